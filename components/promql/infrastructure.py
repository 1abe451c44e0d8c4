"""PromQL of what servers stand on: nodes, volumes, pods that do not run. Out: PromQL text.

Source of the series: node exporter 1.x, kubelet, kube-state-metrics 2.x. Not here: a server's own pods
(`selectors.py`), what is left and when it ends (`capacity.py`).
"""

from typing import Final

BY_NODE: Final = "by (instance)"

REAL_DISKS: Final = 'fstype!~"tmpfs|ramfs|overlay|squashfs|devtmpfs"'
"""Not memory, and not what lies on another of the disks."""

REAL_DEVICES: Final = 'device!~"lo|veth.*|cali.*|cni.*|docker.*|flannel.*|cilium.*"'
"""Not what leads to a pod of the same node: its bytes would count twice."""


def nodes(ready: str) -> str:
    """Nodes whose condition `Ready` is `ready`: true, false or unknown."""
    return f'sum(kube_node_status_condition{{condition="Ready",status="{ready}"}})'


def cpu_used(count: int, window: str) -> str:
    """Part of its CPU that a node uses, 0..1, the `count` busiest."""
    idle = f'avg {BY_NODE} (rate(node_cpu_seconds_total{{mode="idle"}}[{window}]))'
    return f"topk({count}, 1 - {idle})"


def memory_used(count: int) -> str:
    """Part of its memory that a node cannot give any more, 0..1, the `count` fullest."""
    return f"topk({count}, 1 - max {BY_NODE} (node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes))"


def disk_used(count: int) -> str:
    """Part of a node's disk that is full, 0..1, of each node's fullest, the `count` fullest."""
    free = f"min {BY_NODE} (node_filesystem_avail_bytes{{{REAL_DISKS}}} / node_filesystem_size_bytes{{{REAL_DISKS}}})"
    return f"topk({count}, 1 - {free})"


def network(direction: str, count: int, window: str) -> str:
    """Bytes per second that a node gets or sends (`direction`: receive, transmit), the `count` busiest."""
    return f"topk({count}, sum {BY_NODE} (rate(node_network_{direction}_bytes_total{{{REAL_DEVICES}}}[{window}])))"


def volumes_used(count: int) -> str:
    """Part of a volume that is full, 0..1, the `count` fullest of all namespaces."""
    by = "by (namespace, persistentvolumeclaim)"
    free = f"min {by} (kubelet_volume_stats_available_bytes) / min {by} (kubelet_volume_stats_capacity_bytes)"
    return f"topk({count}, 1 - {free})"


def pods_that_do_not_run() -> str:
    """Pods that wait, failed, or are on a node that is gone, per namespace and phase."""
    return 'sum by (namespace, phase) (kube_pod_status_phase{phase=~"Pending|Failed|Unknown"}) > 0'


def waiting_containers() -> str:
    """Containers that wait, per namespace and reason: no image, a crash before, a Secret that is not there."""
    return "sum by (namespace, reason) (kube_pod_container_status_waiting_reason) > 0"


def restarts(count: int, window: str) -> str:
    """Restarts in `window`, per pod, the `count` with most."""
    increase = f"sum by (namespace, pod) (increase(kube_pod_container_status_restarts_total[{window}]))"
    return f"topk({count}, round({increase}) > 0)"
