"""Metrics of the platform that the product queries: Kubernetes, Istio, Prometheus, OpenTelemetry Collectors.

Source: metrics documentation of cAdvisor, kubelet and kube-state-metrics 2.x; Istio, "Istio Standard Metrics";
`/metrics` of Prometheus 3.
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.observability.metrics.model import Emitter, Metric, Type
from meshed_mcp.components.promql import control_plane as istiod
from meshed_mcp.components.promql import tracing


def counter(name: str, unit: str, labels: tuple[str, ...], emitter: Emitter) -> Metric:
    """A counter without a bound."""
    return Metric(name, Type.COUNTER, unit, labels, None, emitter)


def gauge(name: str, unit: str, labels: tuple[str, ...], emitter: Emitter) -> Metric:
    """A gauge without a bound."""
    return Metric(name, Type.GAUGE, unit, labels, None, emitter)


CONTAINER: Final = ("namespace", "pod", "container")
VOLUME: Final = ("namespace", "persistentvolumeclaim")

KUBELET: Final = (
    counter("container_cpu_usage_seconds_total", "seconds", CONTAINER, Emitter.KUBELET),
    counter("container_cpu_cfs_periods_total", "periods", CONTAINER, Emitter.KUBELET),
    counter("container_cpu_cfs_throttled_periods_total", "periods", CONTAINER, Emitter.KUBELET),
    gauge("container_memory_working_set_bytes", "bytes", CONTAINER, Emitter.KUBELET),
    gauge("kubelet_volume_stats_available_bytes", "bytes", VOLUME, Emitter.KUBELET),
    gauge("kubelet_volume_stats_capacity_bytes", "bytes", VOLUME, Emitter.KUBELET),
)

EXPORTER: Final = (
    counter("node_cpu_seconds_total", "seconds", ("cpu", "mode"), Emitter.NODE_EXPORTER),
    gauge("node_memory_MemAvailable_bytes", "bytes", (), Emitter.NODE_EXPORTER),
    gauge("node_memory_MemTotal_bytes", "bytes", (), Emitter.NODE_EXPORTER),
    gauge("node_filesystem_avail_bytes", "bytes", ("device", "fstype", "mountpoint"), Emitter.NODE_EXPORTER),
    gauge("node_filesystem_size_bytes", "bytes", ("device", "fstype", "mountpoint"), Emitter.NODE_EXPORTER),
    counter("node_network_receive_bytes_total", "bytes", ("device",), Emitter.NODE_EXPORTER),
    counter("node_network_transmit_bytes_total", "bytes", ("device",), Emitter.NODE_EXPORTER),
)
"""Source: node exporter 1.x, collectors cpu, meminfo, filesystem and netdev."""

NODE: Final = ("node",)
COST: Final = (
    gauge("node_cpu_hourly_cost", "", NODE, Emitter.OPENCOST),
    gauge("node_ram_hourly_cost", "", NODE, Emitter.OPENCOST),
    gauge("node_total_hourly_cost", "", NODE, Emitter.OPENCOST),
    gauge("container_cpu_allocation", "cores", (*CONTAINER, "node"), Emitter.OPENCOST),
    gauge("container_memory_allocation_bytes", "bytes", (*CONTAINER, "node"), Emitter.OPENCOST),
)
"""Source: OpenCost, "Prometheus metrics"."""

DEPLOYMENT: Final = ("namespace", "deployment")
AUTOSCALER: Final = ("namespace", "horizontalpodautoscaler")
VPA: Final = ("namespace", "verticalpodautoscaler", "container")

OBJECTS: Final = (
    gauge("kube_pod_container_resource_limits", "", (*CONTAINER, "resource", "unit"), Emitter.KUBE_STATE_METRICS),
    gauge("kube_pod_container_resource_requests", "", (*CONTAINER, "resource", "unit"), Emitter.KUBE_STATE_METRICS),
    counter("kube_pod_container_status_restarts_total", "restarts", CONTAINER, Emitter.KUBE_STATE_METRICS),
    gauge("kube_pod_status_phase", "", ("namespace", "pod", "phase"), Emitter.KUBE_STATE_METRICS),
    gauge("kube_pod_container_status_waiting_reason", "", (*CONTAINER, "reason"), Emitter.KUBE_STATE_METRICS),
    gauge("kube_node_status_condition", "", ("node", "condition", "status"), Emitter.KUBE_STATE_METRICS),
    gauge("kube_node_status_allocatable", "", ("node", "resource", "unit"), Emitter.KUBE_STATE_METRICS),
    gauge("kube_deployment_spec_replicas", "replicas", DEPLOYMENT, Emitter.KUBE_STATE_METRICS),
    gauge("kube_deployment_status_replicas_ready", "replicas", DEPLOYMENT, Emitter.KUBE_STATE_METRICS),
    gauge("kube_deployment_status_replicas_available", "replicas", DEPLOYMENT, Emitter.KUBE_STATE_METRICS),
    gauge("kube_horizontalpodautoscaler_status_desired_replicas", "replicas", AUTOSCALER, Emitter.KUBE_STATE_METRICS),
    gauge("kube_horizontalpodautoscaler_spec_max_replicas", "replicas", AUTOSCALER, Emitter.KUBE_STATE_METRICS),
    gauge("kube_horizontalpodautoscaler_spec_min_replicas", "replicas", AUTOSCALER, Emitter.KUBE_STATE_METRICS),
    gauge("kube_vpa_recommended_cpu_cores", "cores", VPA, Emitter.KUBE_STATE_METRICS),
    gauge("kube_vpa_recommended_memory_bytes", "bytes", VPA, Emitter.KUBE_STATE_METRICS),
)

REQUEST: Final = (
    "reporter",
    "source_workload",
    "destination_workload",
    "destination_workload_namespace",
    "response_code",
    "response_flags",
    "connection_security_policy",
)
"""Labels of Istio's metrics that queries use."""

CLUSTER: Final = (contract.LABEL_CLUSTER,)
STATUS: Final = (*CLUSTER, contract.LABEL_STATUS_CLASS)
SIDECAR: Final = (
    gauge(contract.METRIC_PROXY_ACTIVE, "requests", CLUSTER, Emitter.ENVOY),
    counter(contract.METRIC_PROXY_RESPONSES, "responses", STATUS, Emitter.ENVOY),
    Metric(contract.METRIC_PROXY_DURATION, Type.HISTOGRAM, "milliseconds", CLUSTER, None, Emitter.ENVOY),
)
"""Envoy's own metrics, of the sidecars of servers without the runtime. Source: Envoy, "Cluster manager statistics"."""

MESH: Final = (
    counter("istio_requests_total", "requests", REQUEST, Emitter.ENVOY),
    Metric("istio_request_duration_milliseconds", Type.HISTOGRAM, "milliseconds", REQUEST, None, Emitter.ENVOY),
)

CONTROL_PLANE: Final = (
    counter(istiod.REJECTED, "responses", ("type", istiod.REVISION), Emitter.ISTIOD),
    gauge(istiod.CONNECTED_PROXIES, "proxies", ("version", istiod.REVISION), Emitter.ISTIOD),
    Metric(istiod.CONVERGENCE, Type.HISTOGRAM, "seconds", (istiod.REVISION,), None, Emitter.ISTIOD),
    gauge(istiod.ROOT_EXPIRY, "seconds", (istiod.REVISION,), Emitter.ISTIOD),
)

PROMETHEUS: Final = (
    gauge("up", "", (), Emitter.PROMETHEUS),
    gauge("ALERTS", "", ("alertname", "alertstate", "severity", "component"), Emitter.PROMETHEUS),
    gauge("scrape_duration_seconds", "seconds", (), Emitter.PROMETHEUS),
    gauge("scrape_samples_scraped", "samples", (), Emitter.PROMETHEUS),
    gauge("prometheus_tsdb_head_series", "series", (), Emitter.PROMETHEUS),
    gauge("prometheus_tsdb_storage_blocks_bytes", "bytes", (), Emitter.PROMETHEUS),
    counter("prometheus_tsdb_head_samples_appended_total", "samples", ("type",), Emitter.PROMETHEUS),
    gauge("prometheus_rule_group_last_duration_seconds", "seconds", ("rule_group",), Emitter.PROMETHEUS),
    gauge("prometheus_rule_group_interval_seconds", "seconds", ("rule_group",), Emitter.PROMETHEUS),
    counter("prometheus_notifications_dropped_total", "alerts", ("alertmanager",), Emitter.PROMETHEUS),
)

COLLECTOR: Final = (
    counter(tracing.REFUSED, "spans", ("service",), Emitter.COLLECTOR),
    counter(tracing.FAILED, "spans", ("service", "exporter"), Emitter.COLLECTOR),
    gauge(tracing.QUEUE_SIZE, "spans", ("exporter",), Emitter.COLLECTOR),
    gauge(tracing.QUEUE_CAPACITY, "spans", ("exporter",), Emitter.COLLECTOR),
    counter(tracing.DROPPED_TOO_EARLY, "traces", ("service",), Emitter.COLLECTOR),
    counter(tracing.STORAGE, "requests", ("service", "operation", "result"), Emitter.COLLECTOR),
    gauge(tracing.HIGHEST_SCRAPED, "seconds", (), Emitter.PROMETHEUS),
    gauge(tracing.HIGHEST_SENT, "seconds", ("remote_name", "url"), Emitter.PROMETHEUS),
)

PLATFORM: Final = (*KUBELET, *EXPORTER, *COST, *OBJECTS, *MESH, *SIDECAR, *CONTROL_PLANE, *PROMETHEUS, *COLLECTOR)
