"""ConfigMaps of the dashboards, which Grafana's sidecar finds by their label and loads into a folder."""

import json
import re
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
from meshed_mcp.components.observability.dashboards.records import Dashboard, Panel
from meshed_mcp.components.observability.dashboards.registry import registry_dashboard
from meshed_mcp.components.observability.dashboards.services import services_dashboard
from meshed_mcp.components.observability.dashboards.usage import COST, USAGE
from meshed_mcp.components.observability.prometheus.slo import objective_of


def dashboard_config_maps(args: ObservabilityStackArgs) -> list[Manifest]:
    """One ConfigMap per dashboard, sorted by name."""
    return [config_map(dashboard, args) for dashboard in dashboards(args)]


def dashboards(args: ObservabilityStackArgs) -> list[Dashboard]:
    """All dashboards, with the stack's objectives as thresholds; without a mesh, none of its requests."""
    found = [
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
    return found if args.mesh else without_mesh(found)


MESH_SERIES: Final = re.compile(r"\b(?:istio_|envoy_|pilot_|workload:istio_)")
"""Series of proxies and istiod."""


def without_mesh(found: list[Dashboard]) -> list[Dashboard]:
    """The dashboards without panels that read series of proxies or istiod; those without a panel are left out."""
    kept = [
        dashboard._replace(panels=tuple(panel for panel in dashboard.panels if not reads_mesh(panel)))
        for dashboard in found
        if not any(MESH_SERIES.search(variable.selector) for variable in dashboard.variables)
    ]
    return [dashboard for dashboard in kept if dashboard.panels]


def reads_mesh(panel: Panel) -> bool:
    """Whether a query of the panel reads a series of proxies or istiod."""
    return any(MESH_SERIES.search(query.expression) for query in panel.queries)


def config_map(dashboard: Dashboard, args: ObservabilityStackArgs) -> Manifest:
    """The ConfigMap of one dashboard. Its key contains the uid: the sidecar writes all files into one folder."""
    grafana = args.grafana
    uid = dashboard.uid.value
    name = f"dashboard-{uid}"
    labels = standard_labels(name) | grafana.dashboard_labels
    meta = metadata(name, args.namespace, labels=labels, annotations={grafana.folder_annotation: grafana.folder})
    text = json.dumps(classic_json(dashboard), indent=2, sort_keys=True)
    return manifest("v1", "ConfigMap", meta, data={f"{uid}.json": text})
