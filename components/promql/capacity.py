"""PromQL of capacity: remaining replicas, node resources and volumes, and their growth.

Growth is linear (`predict_linear` over PAST) and ignores weekly patterns.
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.promql import autoscaling, sli
from meshed_mcp.components.promql.selectors import PromQL

PAST: Final = "6h"
DAYS_AHEAD: Final = 4
"""Source: kubernetes-mixin, KubePersistentVolumeFillingUp."""

REQUESTED_RATIO: Final = "cluster:mcp_requested:ratio"
"""Recorded ratio of the nodes' allocatable CPU and memory that pods request, per resource."""

RULES: Final = {
    REQUESTED_RATIO: 'sum by (resource) (kube_pod_container_resource_requests{resource=~"cpu|memory"}) / '
    'sum by (resource) (kube_node_status_allocatable{resource=~"cpu|memory"})'
}
AHEAD_SECONDS: Final = DAYS_AHEAD * 86_400

PREDICTED_SERIES: Final = f"max by (pod) (predict_linear(prometheus_tsdb_head_series[{PAST}], {AHEAD_SECONDS}))"
"""Predicted number of series in memory in DAYS_AHEAD days, per Prometheus replica."""

BLOCK_BYTES: Final = "max by (pod) (prometheus_tsdb_storage_blocks_bytes)"


def desired_replicas_ratio(namespace: str, server: str) -> str:
    """Desired replicas of an HPA as a ratio of its maximum, 0..1."""
    desired, maximum = (autoscaling.hpa_replicas(which, namespace, server) for which in ("desired", "max"))
    return f"{desired} / {maximum}"


def operations_growth(select: str) -> str:
    """Operations per second in DAYS_AHEAD days, as a multiple of the current rate, per server."""
    rate = f"{sli.rate_name('server', 'operations')}{{{select}}}"
    by = f"sum by ({contract.LABEL_SERVER})"
    return f"{by} (predict_linear({rate}[{PAST}], {AHEAD_SECONDS})) / ({by} (avg_over_time({rate}[{PAST}])) > 0)"


def requested_by_server(resource: str, namespace: str, pods: str) -> str:
    """Resource requests of servers' pods, cores or bytes, per container; `namespace` and `pods` are patterns."""
    select = f'namespace=~"{namespace}",pod=~"{pods}",resource="{resource}"'
    return f"sum by (container) (kube_pod_container_resource_requests{{{select}}})"


def predicted_free_ratio(namespace: str) -> str:
    """Predicted free ratio of each volume of `namespace` in DAYS_AHEAD days, 0..1; below 0 it is full by then."""
    select = f'namespace="{namespace}"'
    left = f"predict_linear(kubelet_volume_stats_available_bytes{{{select}}}[{PAST}], {AHEAD_SECONDS})"
    size = f"min by (persistentvolumeclaim) (kubelet_volume_stats_capacity_bytes{{{select}}})"
    return f"min by (persistentvolumeclaim) ({left}) / {size}"


def volume_will_fill(namespace: str, threshold: float) -> PromQL:
    """Free ratio of a volume, 0..1, that is below `threshold` and 0 in DAYS_AHEAD days; for an alert."""
    select = f'namespace="{namespace}"'
    free, size = (
        f"min by (persistentvolumeclaim) (kubelet_volume_stats_{what}_bytes{{{select}}})"
        for what in ("available", "capacity")
    )
    return PromQL(f"({free} / {size} < {threshold:g}) and {predicted_free_ratio(namespace)} < 0")
