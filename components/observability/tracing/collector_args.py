"""Arguments of the OpenTelemetry Collectors: size, tail sampling, span metrics."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import service_name
from meshed_mcp.components.observability.sizing.resources import Reservation
from meshed_mcp.components.pod.args import PodSettings


class TailSampling(Model):
    """Tail sampling: keeps all traces with errors, all slow traces, and a percentage of the rest."""

    slow_seconds: float = Field(default=1.0, ge=0.01, le=3600)
    """Minimum duration of a slow trace, from the start of its first span to the end of its last."""

    rest_percent: float = Field(default=10.0, ge=0, le=100)
    """Percentage of the other traces that is kept; traces whose only errors are client errors are dropped."""

    decision_wait_seconds: int = Field(default=60, ge=1, le=3600)
    """Seconds from a trace's first span to the decision; set it longer than the longest call."""

    traces_in_memory: int = Field(default=50_000, ge=100, le=5_000_000)
    """Traces that wait for their decision in each gateway; above it the oldest are dropped. Source of the default:
    processor `tail_sampling`, `num_traces`."""


class CollectorPod(PodSettings):
    """Options of the pods of collectors."""

    containers: ClassVar[tuple[str, ...]] = ("collector",)


class CollectorSettings(Model):
    """OpenTelemetry Collectors in front of Jaeger: an agent on each node, gateways for sampling and span metrics."""

    gateway_replicas: int = Field(default=2, ge=1, le=20)
    """Pods of the gateway."""

    agent_resources: Reservation = Reservation(cpu="50m", memory="256Mi")
    gateway_resources: Reservation = Reservation(cpu="200m", memory="1Gi")

    agents: CollectorPod = CollectorPod()
    """Options of the pods of the agents, which run on every node."""

    gateways: CollectorPod = CollectorPod()
    """Options of the pods of the gateways."""

    queue_spans: int = Field(default=20_000, ge=1_000, le=10_000_000)
    """Spans in the export queue of each collector; a full queue refuses further spans."""

    tail_sampling: TailSampling | None = None
    """Unset: head sampling only; the ingress gateway samples 10 % of the traces, and all of them are kept."""

    span_metrics: list[Annotated[str, AfterValidator(service_name)]] = Field(default_factory=list)
    """Services without metrics of their own: the collectors derive calls and durations from the spans of image and
    sidecar, as `traces_span_metrics_*`, of the traces that reach them."""
