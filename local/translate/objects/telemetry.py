"""Telemetry: which requests a proxy traces and logs.

Source of every name and meaning: Istio API v1, telemetry.istio.io.
"""

from typing import Literal

from pydantic import Field

from meshed_mcp.local.translate.objects.fields import Fields
from meshed_mcp.local.translate.objects.metadata import Placed, Selector


class Provider(Fields):
    """A tracing provider of the mesh configuration; here every provider is the machine's own collector."""

    name: str


class Tracing(Fields):
    """Spans for a share of the requests that do not bring a decision with them."""

    providers: tuple[Provider, ...] = Field(min_length=1, max_length=1)
    random_sampling_percentage: float = Field(ge=0, le=100)


class Filter(Fields):
    """The requests that are logged, in the Common Expression Language; Envoy judges it."""

    expression: str


class AccessLogging(Fields):
    """Logs of the requests that meet the filter; here the log is the proxy's own output, whatever the provider."""

    providers: tuple[Provider, ...] = Field(min_length=1, max_length=1)
    filter: Filter | None = None
    disabled: bool = False


class MetricMatch(Fields):
    """A metric of Istio's, on one side of a call."""

    metric: Literal["REQUEST_COUNT", "REQUEST_DURATION"]
    mode: Literal["SERVER"]


class TagOverride(Fields):
    """A label's value, in the Common Expression Language."""

    value: str


class MetricOverride(Fields):
    """Labels of a metric."""

    match: MetricMatch
    tag_overrides: dict[str, TagOverride] = Field(default_factory=dict)


class Metrics(Fields):
    """Labels of Istio's metrics, which a stock Envoy does not have: without effect here."""

    providers: tuple[Provider, ...] = Field(min_length=1, max_length=1)
    overrides: tuple[MetricOverride, ...] = ()


class TelemetrySpec(Fields):
    """What the proxies of the selected workloads report; for a part that is absent a wider object decides."""

    selector: Selector = Selector()
    tracing: tuple[Tracing, ...] = Field(default=(), max_length=1)
    access_logging: tuple[AccessLogging, ...] = Field(default=(), max_length=1)
    metrics: tuple[Metrics, ...] = Field(default=(), max_length=1)


class Telemetry(Placed):
    """What proxies report."""

    spec: TelemetrySpec
