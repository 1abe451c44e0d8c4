"""ConfigMaps of the dashboards, which Grafana's sidecar finds by their label and loads into a folder."""

import json
from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.dashboards.capacity import AUTOSCALING, capacity_dashboard
from meshed_mcp.components.observability.dashboards.classic import classic_json
from meshed_mcp.components.observability.dashboards.mesh import MESH
from meshed_mcp.components.observability.dashboards.overview import overview_dashboard
from meshed_mcp.components.observability.dashboards.performance import performance_dashboard
from meshed_mcp.components.observability.dashboards.platform import INFRASTRUCTURE, monitoring_dashboard
from meshed_mcp.components.observability.dashboards.records import Dashboard
from meshed_mcp.components.observability.dashboards.registry import registry_dashboard
from meshed_mcp.components.observability.dashboards.services import services_dashboard
from meshed_mcp.components.observability.dashboards.usage import COST, USAGE
from meshed_mcp.components.observability.grafana.values import DASHBOARD_LABEL, DASHBOARD_LABEL_VALUE, FOLDER_ANNOTATION
from meshed_mcp.components.observability.prometheus.slo import objective_of

FOLDER: Final = "MCP"


def dashboard_config_maps(args: ObservabilityStackArgs) -> list[Manifest]:
    """One ConfigMap per dashboard, sorted by name."""
    return [config_map(dashboard, args.namespace) for dashboard in dashboards(args)]


def dashboards(args: ObservabilityStackArgs) -> list[Dashboard]:
    """All dashboards, with the stack's objectives as thresholds."""
    return [
        AUTOSCALING,
        capacity_dashboard(args.namespace),
        COST,
        INFRASTRUCTURE,
        MESH,
        monitoring_dashboard(args.namespace),
        overview_dashboard(args.slo.default),
        performance_dashboard(args.slo.default),
        registry_dashboard(objective_of(contract.REGISTRY_NAME, args.slo)),
        services_dashboard(args.slo.default),
        USAGE,
    ]


def config_map(dashboard: Dashboard, namespace: str) -> Manifest:
    """The ConfigMap of one dashboard. Its key contains the uid: the sidecar writes all files into one folder."""
    uid = dashboard.uid.value
    name = f"dashboard-{uid}"
    labels = standard_labels(name) | {DASHBOARD_LABEL: DASHBOARD_LABEL_VALUE}
    meta = metadata(name, namespace, labels=labels, annotations={FOLDER_ANNOTATION: FOLDER})
    text = json.dumps(classic_json(dashboard), indent=2, sort_keys=True)
    return manifest("v1", "ConfigMap", meta, data={f"{uid}.json": text})
