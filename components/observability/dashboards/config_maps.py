"""Dashboards as ConfigMaps that Grafana's sidecar finds by their label and puts into a folder."""

import json
from typing import Final

from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.observability.dashboards.classic import classic_json
from meshed_mcp.components.observability.dashboards.records import Dashboard
from meshed_mcp.components.observability.dashboards.services import services_dashboard
from meshed_mcp.components.observability.grafana_values import (
    DASHBOARD_LABEL,
    DASHBOARD_LABEL_VALUE,
    FOLDER_ANNOTATION,
)

FOLDER: Final = "MCP"


def manifests(namespace: str) -> list[Manifest]:
    """A ConfigMap for every dashboard that we build."""
    return [config_map(dashboard, namespace) for dashboard in (services_dashboard(),)]


def config_map(dashboard: Dashboard, namespace: str) -> Manifest:
    """One dashboard. The file's key is its uid: the sidecar writes the files of all ConfigMaps into one folder."""
    name = f"dashboard-{dashboard.uid}"
    labels = standard_labels(name) | {DASHBOARD_LABEL: DASHBOARD_LABEL_VALUE}
    meta = metadata(name, namespace, labels=labels, annotations={FOLDER_ANNOTATION: FOLDER})
    text = json.dumps(classic_json(dashboard), indent=2, sort_keys=True)
    return manifest("v1", "ConfigMap", meta, data={f"{dashboard.uid}.json": text})
