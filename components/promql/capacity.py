"""PromQL of what is left and how it grows: replicas, places for calls, nodes, volumes, Prometheus itself.

In: selectors or patterns, days ahead. Out: PromQL text. Growth is a straight line through the last hours
(`predict_linear`); it knows no weekly rhythm. Not here: sizes from a plan (`meshed-mcp capacity`).
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.promql import autoscaling, sli
from meshed_mcp.components.promql.selectors import PromQL

PAST: Final = "6h"
DAYS_AHEAD: Final = 4
"""Source: kubernetes-mixin, KubePersistentVolumeFillingUp."""

REQUESTED: Final = "cluster:mcp_requested:ratio"
"""Recorded part of the nodes' CPU and memory that pods have requested, per resource."""

AHEAD_SECONDS: Final = DAYS_AHEAD * 86_400


def used_range(namespace: str, server: str) -> str:
    """Replicas that an autoscaler wants as a part of its most, 0..1."""
    want, most = (autoscaling.autoscaler(which, namespace, server) for which in ("desired", "max"))
    return f"{want} / {most}"


def growth(select: str) -> str:
    """Operations per second in DAYS_AHEAD days, as a multiple of now's, per server."""
    rate = f"{sli.recorded('server', 'operations')}{{{select}}}"
    by = f"sum by ({contract.LABEL_SERVER})"
    return f"{by} (predict_linear({rate}[{PAST}], {AHEAD_SECONDS})) / ({by} (avg_over_time({rate}[{PAST}])) > 0)"


def recorded_requests() -> str:
    """Part of the nodes' CPU and memory that pods have requested, per resource."""
    requested, there = (
        f'sum by (resource) ({name}{{resource=~"cpu|memory"}})'
        for name in ("kube_pod_container_resource_requests", "kube_node_status_allocatable")
    )
    return f"{requested} / {there}"


def requested_share() -> str:
    """Part of the nodes' CPU and memory that pods have requested, 0..1, per resource."""
    return f"max by (resource) ({REQUESTED})"


def requested_by_server(resource: str, namespace: str, pods: str) -> str:
    """Requests of `resource` of servers' pods, their unit, per container; both arguments are patterns."""
    select = f'namespace=~"{namespace}",pod=~"{pods}",resource="{resource}"'
    return f"sum by (container) (kube_pod_container_resource_requests{{{select}}})"


def volume_left_ahead(namespace: str) -> str:
    """Part of each volume of `namespace` that is free in DAYS_AHEAD days, 0..1; below 0 it is full by then."""
    select = f'namespace="{namespace}"'
    left = f"predict_linear(kubelet_volume_stats_available_bytes{{{select}}}[{PAST}], {AHEAD_SECONDS})"
    size = f"min by (persistentvolumeclaim) (kubelet_volume_stats_capacity_bytes{{{select}}})"
    return f"min by (persistentvolumeclaim) ({left}) / {size}"


def series_ahead() -> str:
    """Series in memory in DAYS_AHEAD days, per Prometheus."""
    return f"max by (pod) (predict_linear(prometheus_tsdb_head_series[{PAST}], {AHEAD_SECONDS}))"


def samples_in_blocks() -> str:
    """Bytes of stored blocks, per Prometheus."""
    return "max by (pod) (prometheus_tsdb_storage_blocks_bytes)"


def volume_will_fill(namespace: str, threshold: float) -> PromQL:
    """Free ratio of a volume, 0..1, that is below `threshold` and 0 in DAYS_AHEAD days; for an alert."""
    select = f'namespace="{namespace}"'
    free, size = (
        f"min by (persistentvolumeclaim) (kubelet_volume_stats_{what}_bytes{{{select}}})"
        for what in ("available", "capacity")
    )
    return PromQL(f"({free} / {size} < {threshold:g}) and {volume_left_ahead(namespace)} < 0")
