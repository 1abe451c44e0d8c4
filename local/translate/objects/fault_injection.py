"""Injected faults of a VirtualService's rule.

Source of every name and meaning: Istio API v1, networking.istio.io, HTTPFaultInjection.
"""

from pydantic import Field

from meshed_mcp.local.translate.objects.fields import Duration, Fields


class Percent(Fields):
    """A share of the requests."""

    value: float = Field(gt=0, le=100)


class Delay(Fields):
    """A wait in the caller's proxy."""

    fixed_delay: Duration
    percentage: Percent


class Abort(Fields):
    """An answer of the caller's proxy."""

    http_status: int = Field(ge=200, le=599)
    percentage: Percent


class HTTPFaultInjection(Fields):
    """What happens to the requests of a rule."""

    delay: Delay | None = None
    abort: Abort | None = None
