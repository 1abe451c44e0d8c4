"""Injected faults as Envoy's fault filter: one in each chain, configured by the routes that have a fault. Pure.

Typed objects in, messages out. Source: Envoy API v3, extensions.filters.http.fault; istiod configures routes likewise.
"""

from typing import Final

from meshed_mcp.local.translate.envoy.api import Message, duration, extension, typed
from meshed_mcp.local.translate.objects.fault_injection import HTTPFaultInjection, Percent

FILTER: Final = "envoy.filters.http.fault"
HTTP_FAULT: Final = "extensions.filters.http.fault.v3.HTTPFault"
FAULT_FILTER: Final = extension(FILTER, HTTP_FAULT)
"""Does nothing by itself."""

MILLION: Final = 1_000_000


def route_faults(fault: HTTPFaultInjection | None) -> Message:
    """The field of a route, empty without a fault."""
    if fault is None:
        return {}
    delay, abort = fault.delay, fault.abort
    found = {
        "delay": delay and {"fixed_delay": duration(delay.fixed_delay), "percentage": share(delay.percentage)},
        "abort": abort and {"http_status": abort.http_status, "percentage": share(abort.percentage)},
    }
    given = {name: value for name, value in found.items() if value is not None}
    return {"typed_per_filter_config": {FILTER: typed(HTTP_FAULT, **given)}}


def share(percent: Percent) -> Message:
    """Envoy's FractionalPercent."""
    return {"numerator": round(percent.value * MILLION / 100), "denominator": "MILLION"}
