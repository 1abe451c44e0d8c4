"""Every series that panels, rules and scalers may ask for, once: name, type, unit, labels, bound, emitter.

Data alone; the runtime's `/metrics` and every query of the product are tested against it. Not here: names that the
runtime shares (`meshed_mcp.contract`), what is recorded from these (`rules.py`), the expressions (`core/queries.py`).
"""

from enum import StrEnum
from typing import Final, NamedTuple

from meshed_mcp import contract


class Type(StrEnum):
    """What a series means. Source: Prometheus, "Metric types"."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Emitter(StrEnum):
    """Who shows a metric."""

    RUNTIME = "runtime"
    """Every process of the runtime, the registry's too."""

    SERVER = "server"
    """Processes with MCP tools."""

    OPTIONAL = "optional"
    """Servers where the feature is on: traces, tokens, a bus between replicas."""

    REGISTRY = "registry"
    PROMETHEUS = "prometheus"
    """Prometheus itself, for every target."""

    KUBELET = "kubelet"
    """cAdvisor, inside the kubelet."""

    KUBE_STATE_METRICS = "kube-state-metrics"


class Metric(NamedTuple):
    """One metric. `bound`: label sets of one process at most, None where the cluster's size decides."""

    name: str
    type: Type
    unit: str
    labels: tuple[str, ...]
    bound: int | None
    emitter: Emitter

    @property
    def series(self) -> tuple[str, ...]:
        """Names under which samples are found: a histogram has three. Source: Prometheus, text format."""
        if self.type is Type.HISTOGRAM:
            return (f"{self.name}_bucket", f"{self.name}_count", f"{self.name}_sum")
        return (self.name,)


TARGET_LABELS: Final = frozenset(
    {"namespace", "pod", "container", "job", "instance", "endpoint", contract.LABEL_SERVER, contract.LABEL_VERSION}
)
"""Labels that scraping adds. Source: Prometheus operator, PodMonitor; the last two by `mesh/monitor.py`."""

LABEL_SETS: Final = 2001
"""Label sets of the operation histogram: the runtime's 2000, and what overflowed."""

METHODS: Final = 30
"""Methods of MCP and of notifications, and "_OTHER", rounded up."""

REASONS: Final = 16
"""Reasons of a refusal, codes of an error, kinds of a check: each a short list in the code, rounded up."""

ROUTES: Final = 64
"""Known routes by HTTP method and status, rounded up."""

TOOLS: Final = 512
"""Tools of one server, rounded up: what a model can choose among is far less."""

RUNTIME: Final = (
    Metric(
        contract.METRIC_HTTP_DURATION,
        Type.HISTOGRAM,
        "seconds",
        ("http_route", "http_request_method", "http_response_status_code"),
        ROUTES,
        Emitter.RUNTIME,
    ),
    Metric(contract.METRIC_OPEN_STREAMS, Type.GAUGE, "streams", ("kind",), 2, Emitter.RUNTIME),
    Metric(contract.METRIC_REJECTED, Type.COUNTER, "requests", ("reason",), REASONS, Emitter.RUNTIME),
    Metric(contract.METRIC_QUEUE_DEPTH, Type.GAUGE, "calls", (), 1, Emitter.RUNTIME),
    Metric(contract.METRIC_PHASE, Type.GAUGE, "", ("phase",), 3, Emitter.RUNTIME),
)

SERVER: Final = (
    Metric(
        contract.METRIC_OPERATION_DURATION,
        Type.HISTOGRAM,
        "seconds",
        (contract.LABEL_METHOD, contract.LABEL_TOOL, contract.LABEL_ERROR, contract.LABEL_PROTOCOL),
        LABEL_SETS,
        Emitter.SERVER,
    ),
    Metric(contract.METRIC_ACTIVE_REQUESTS, Type.GAUGE, "calls", (contract.LABEL_METHOD,), METHODS, Emitter.SERVER),
    Metric(contract.METRIC_REGISTERED_TOOLS, Type.GAUGE, "tools", (), 1, Emitter.SERVER),
    Metric(contract.METRIC_INFO, Type.GAUGE, "", ("version", "sdk_version"), 1, Emitter.SERVER),
    Metric(contract.METRIC_ACTIVE_SESSIONS, Type.GAUGE, "sessions", (), 1, Emitter.SERVER),
    Metric(contract.METRIC_SESSION_DURATION, Type.HISTOGRAM, "seconds", (), 1, Emitter.SERVER),
    Metric(contract.METRIC_LABEL_OVERFLOW, Type.COUNTER, "values", ("metric", "label"), METHODS, Emitter.SERVER),
)

OPTIONAL: Final = (
    Metric(
        contract.METRIC_AUTHORIZATIONS, Type.COUNTER, "calls", (contract.LABEL_TOOL, "reason"), TOOLS, Emitter.OPTIONAL
    ),
    Metric(contract.METRIC_AUTHENTICATIONS, Type.COUNTER, "checks", ("kind", "result"), REASONS, Emitter.OPTIONAL),
    Metric(contract.METRIC_BUS_EVENTS, Type.COUNTER, "events", (contract.LABEL_OUTCOME,), REASONS, Emitter.OPTIONAL),
    Metric(contract.METRIC_BUS_CONNECTED, Type.GAUGE, "", (), 1, Emitter.OPTIONAL),
    Metric(contract.METRIC_SPANS_EXPORTED, Type.COUNTER, "spans", (contract.LABEL_ERROR,), 2, Emitter.OPTIONAL),
    Metric(contract.METRIC_SPANS_PROCESSED, Type.COUNTER, "spans", (contract.LABEL_ERROR,), 2, Emitter.OPTIONAL),
)

REGISTRY: Final = (
    Metric(contract.METRIC_REGISTRY_SERVERS, Type.GAUGE, "servers", (), 1, Emitter.REGISTRY),
    Metric(contract.METRIC_REGISTRY_LEASES, Type.GAUGE, "leases", (), 1, Emitter.REGISTRY),
    Metric(contract.METRIC_REGISTRY_EXPIRED, Type.COUNTER, "servers", (), 1, Emitter.REGISTRY),
    Metric(contract.METRIC_REGISTRY_DATABASE_UP, Type.GAUGE, "", (), 1, Emitter.REGISTRY),
)

CONTAINER: Final = ("namespace", "pod", "container")
DEPLOYMENT: Final = ("namespace", "deployment")

CLUSTER: Final = (
    Metric("up", Type.GAUGE, "", (), None, Emitter.PROMETHEUS),
    Metric("container_cpu_usage_seconds_total", Type.COUNTER, "seconds", CONTAINER, None, Emitter.KUBELET),
    Metric("container_cpu_cfs_periods_total", Type.COUNTER, "periods", CONTAINER, None, Emitter.KUBELET),
    Metric("container_cpu_cfs_throttled_periods_total", Type.COUNTER, "periods", CONTAINER, None, Emitter.KUBELET),
    Metric("container_memory_working_set_bytes", Type.GAUGE, "bytes", CONTAINER, None, Emitter.KUBELET),
    Metric(
        "kube_pod_container_resource_limits",
        Type.GAUGE,
        "",
        (*CONTAINER, "resource", "unit"),
        None,
        Emitter.KUBE_STATE_METRICS,
    ),
    Metric("kube_deployment_spec_replicas", Type.GAUGE, "replicas", DEPLOYMENT, None, Emitter.KUBE_STATE_METRICS),
    Metric(
        "kube_deployment_status_replicas_ready", Type.GAUGE, "replicas", DEPLOYMENT, None, Emitter.KUBE_STATE_METRICS
    ),
    Metric(
        "kube_deployment_status_replicas_available",
        Type.GAUGE,
        "replicas",
        DEPLOYMENT,
        None,
        Emitter.KUBE_STATE_METRICS,
    ),
)
"""Others' metrics that we read. Source: cAdvisor and kube-state-metrics 2.x, their documents of metrics."""

CATALOGUE: Final = (*RUNTIME, *SERVER, *OPTIONAL, *REGISTRY, *CLUSTER)


def labels_by_series() -> dict[str, frozenset[str]]:
    """Series name -> labels by which it may be selected or grouped, those of scraping and `le` included."""
    return {
        name: TARGET_LABELS | set(metric.labels) | ({"le"} if name.endswith("_bucket") else set())
        for metric in CATALOGUE
        for name in metric.series
    }
