"""Arguments of the collectors: how large, what is kept of the traces, whose spans become metrics.

Stack keys in, frozen models out. Not here: the configuration made of them (`collector_config.py`), rules between them
and the services (`infra/planning/tracing.py`).
"""

from typing import Annotated

from pydantic import AfterValidator, Field

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import service_name
from meshed_mcp.components.observability.sizing.resources import Reservation


class TailSampling(Model):
    """The choice of traces at their end: every error, every slow call, and a share of the rest."""

    slow_seconds: float = Field(default=1.0, ge=0.01, le=3600)
    """A trace is slow from this duration on, from the start of its first span to the end of its last."""

    rest_percent: float = Field(default=10.0, ge=0, le=100)
    """Percent of the traces without error that are not slow; those in which only the caller was wrong are dropped."""

    decision_wait_seconds: int = Field(default=60, ge=1, le=3600)
    """Seconds from a trace's first span to the choice; longer than the longest call, whose end is not known before."""

    traces_in_memory: int = Field(default=50_000, ge=100, le=5_000_000)
    """Traces that wait for their choice in each gateway; above that the oldest are dropped. Source of the default:
    processor `tail_sampling`, `num_traces`."""


class CollectorSettings(Model):
    """OpenTelemetry Collectors before Jaeger: an agent on every node, and gateways that choose and count."""

    gateway_replicas: int = Field(default=2, ge=1, le=20)
    """Pods that take what the agents send."""

    agent_resources: Reservation = Reservation(cpu="50m", memory="256Mi")
    gateway_resources: Reservation = Reservation(cpu="200m", memory="1Gi")

    queue_spans: int = Field(default=20_000, ge=1_000, le=10_000_000)
    """Spans that each collector holds while the next one does not take them; further ones are refused."""

    tail_sampling: TailSampling | None = None
    """Unset: the gateway of the mesh decides at the start of a trace, at 10 %, and everything that arrives is kept."""

    span_metrics: list[Annotated[str, AfterValidator(service_name)]] = Field(default_factory=list)
    """Services whose image has no metrics of its own: their calls are counted and timed from the spans of image and
    sidecar, as `traces_span_metrics_*`, among those traces that reach the collectors."""
