"""PromQL of the infrastructure: nodes, volumes, pods that are not running.

Source of the series: node exporter 1.x, kubelet, kube-state-metrics 2.x.
"""

from typing import Final

BY_NODE: Final = "by (instance)"

REAL_DISKS: Final = 'fstype!~"tmpfs|ramfs|overlay|squashfs|devtmpfs"'
"""Excludes file systems in memory and overlays."""

REAL_DEVICES: Final = 'device!~"lo|veth.*|cali.*|cni.*|docker.*|flannel.*|cilium.*"'
"""Excludes devices of pods, whose bytes would count twice."""

PODS_NOT_RUNNING: Final = 'sum by (namespace, phase) (kube_pod_status_phase{phase=~"Pending|Failed|Unknown"}) > 0'
WAITING_CONTAINERS: Final = "sum by (namespace, reason) (kube_pod_container_status_waiting_reason) > 0"
"""By reason, such as ImagePullBackOff or CrashLoopBackOff."""


def nodes(ready: str) -> str:
    """Nodes whose condition `Ready` is `ready`: true, false or unknown."""
    return f'sum(kube_node_status_condition{{condition="Ready",status="{ready}"}})'


def cpu_used(count: int, window: str) -> str:
    """CPU usage ratio, 0..1, of the `count` busiest nodes."""
    idle = f'avg {BY_NODE} (rate(node_cpu_seconds_total{{mode="idle"}}[{window}]))'
    return f"topk({count}, 1 - {idle})"


def memory_used(count: int) -> str:
    """Memory usage ratio, 0..1, of the `count` fullest nodes."""
    return f"topk({count}, 1 - max {BY_NODE} (node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes))"


def disk_used(count: int) -> str:
    """Usage ratio, 0..1, of the fullest disk of each of the `count` fullest nodes."""
    free = f"min {BY_NODE} (node_filesystem_avail_bytes{{{REAL_DISKS}}} / node_filesystem_size_bytes{{{REAL_DISKS}}})"
    return f"topk({count}, 1 - {free})"


def network(direction: str, count: int, window: str) -> str:
    """Network traffic, bytes per second, of the `count` busiest nodes; `direction`: receive or transmit."""
    return f"topk({count}, sum {BY_NODE} (rate(node_network_{direction}_bytes_total{{{REAL_DEVICES}}}[{window}])))"


def volumes_used(count: int) -> str:
    """Usage ratio, 0..1, of the `count` fullest volumes of all namespaces."""
    by = "by (namespace, persistentvolumeclaim)"
    free = f"min {by} (kubelet_volume_stats_available_bytes) / min {by} (kubelet_volume_stats_capacity_bytes)"
    return f"topk({count}, 1 - {free})"


def restarts(count: int, window: str) -> str:
    """Container restarts in `window` of the `count` pods with most restarts."""
    increase = f"sum by (namespace, pod) (increase(kube_pod_container_status_restarts_total[{window}]))"
    return f"topk({count}, round({increase}) > 0)"
