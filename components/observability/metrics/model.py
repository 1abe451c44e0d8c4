"""Record of a metric in the catalog."""

from enum import StrEnum
from typing import NamedTuple


class Type(StrEnum):
    """Type of a metric. Source: Prometheus, "Metric types"."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Emitter(StrEnum):
    """Process that exports a metric."""

    RUNTIME = "runtime"
    """Every process of the runtime, the registry included."""

    SERVER = "server"
    """Processes with MCP tools."""

    OPTIONAL = "optional"
    """Servers with the feature enabled: traces, tokens, shared subscriptions."""

    REGISTRY = "registry"
    PROMETHEUS = "prometheus"
    """Prometheus itself."""

    COLLECTOR = "collector"
    """OpenTelemetry Collectors and Jaeger, which is one as well."""

    KUBELET = "kubelet"
    """kubelet and its cAdvisor."""

    NODE_EXPORTER = "node-exporter"
    KUBE_STATE_METRICS = "kube-state-metrics"
    OPENCOST = "opencost"
    ISTIOD = "istiod"
    """Control plane of the mesh."""

    ENVOY = "envoy"
    """Proxies of the mesh."""


class Metric(NamedTuple):
    """One metric. `bound`: maximum label sets of one process, None if it depends on the size of the cluster."""

    name: str
    type: Type
    unit: str
    labels: tuple[str, ...]
    bound: int | None
    emitter: Emitter

    @property
    def series(self) -> tuple[str, ...]:
        """Names of its series; a histogram has three. Source: Prometheus, text format."""
        if self.type is Type.HISTOGRAM:
            return (f"{self.name}_bucket", f"{self.name}_count", f"{self.name}_sum")
        return (self.name,)
