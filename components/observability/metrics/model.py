"""What the catalog says of a metric: records alone. The metrics: `catalog.py`, `platform.py`."""

from enum import StrEnum
from typing import NamedTuple


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

    COLLECTOR = "collector"
    """OpenTelemetry Collectors and Jaeger, which is one inside."""

    KUBELET = "kubelet"
    """cAdvisor, inside the kubelet."""

    NODE_EXPORTER = "node-exporter"
    KUBE_STATE_METRICS = "kube-state-metrics"
    OPENCOST = "opencost"
    ISTIOD = "istiod"
    """The mesh's control plane."""

    ENVOY = "envoy"
    """A proxy of the mesh."""


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
