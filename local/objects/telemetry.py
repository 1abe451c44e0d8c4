"""Telemetry: how many of the requests a proxy traces.

Source of every name and meaning: Istio API v1, telemetry.istio.io.
"""

from pydantic import Field

from meshed_mcp.local.objects.fields import Fields
from meshed_mcp.local.objects.metadata import Placed, Selector


class Provider(Fields):
    """A tracing provider of the mesh configuration; here every provider is the machine's own collector."""

    name: str


class Tracing(Fields):
    """Spans for a share of the requests that do not bring a decision with them."""

    providers: tuple[Provider, ...] = Field(min_length=1, max_length=1)
    random_sampling_percentage: float = Field(ge=0, le=100)


class TelemetrySpec(Fields):
    """Tracing of the selected workloads."""

    selector: Selector = Selector()
    tracing: tuple[Tracing, ...] = Field(min_length=1, max_length=1)


class Telemetry(Placed):
    """What proxies report."""

    spec: TelemetrySpec
