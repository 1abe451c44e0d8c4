"""Telemetry: which requests a proxy traces and logs.

Source of every name and meaning: Istio API v1, telemetry.istio.io. Providers have no effect: spans go to the collector
of this machine, access logs to the output of the proxy. Labels of Istio's metrics need istio-proxy.
"""

from pydantic import Field

from meshed_mcp.local.translate.objects.fields import Fields, LenientFields
from meshed_mcp.local.translate.objects.metadata import Placed, Selector


class Tracing(LenientFields):
    """Share of the requests to sample where the caller has not decided."""

    random_sampling_percentage: float = Field(ge=0, le=100)


class Filter(Fields):
    """The requests to log, in the Common Expression Language; Envoy evaluates it."""

    expression: str


class AccessLogging(LenientFields):
    """Access log of the requests that match the filter."""

    filter: Filter | None = None
    disabled: bool = False


class TelemetrySpec(LenientFields):
    """Telemetry of the selected workloads; an object with a wider scope decides for an absent part."""

    selector: Selector = Selector()
    tracing: tuple[Tracing, ...] = Field(default=(), max_length=1)
    access_logging: tuple[AccessLogging, ...] = Field(default=(), max_length=1)


class Telemetry(Placed, LenientFields):
    """Traces and access logs of proxies."""

    spec: TelemetrySpec
