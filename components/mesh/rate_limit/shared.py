"""How limits over all pods are asked for and written down: the proxies' filter, and the rate limit service's rules.

A service's limits in, Envoy's and the service's configuration out. Both come from the same settings, so that every
question has an answer. Not here: what a request is known by (descriptors.py), who answers (server.py).
Source: Envoy API v3, extensions.filters.http.ratelimit; github.com/envoyproxy/ratelimit, "Configuration".
"""

from collections.abc import Mapping
from typing import Final

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.rate_limit import descriptors as requests
from meshed_mcp.components.mesh.rate_limit.args import SharedLimits, SharedRate, parsed
from meshed_mcp.components.mesh.rate_limit.server_args import NAME, FailureMode, RateLimitRef

GRPC_PORT: Final = 8081
"""Source: github.com/envoyproxy/ratelimit, default of GRPC_PORT."""

FILTER: Final = "envoy.filters.http.ratelimit"
RATE_LIMIT: Final = "type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit"
STAT_PREFIX: Final = "mcp_shared"
"""Counters are `cluster.<inbound>.ratelimit.mcp_shared.{ok,over_limit,error,failure_mode_allowed}`."""

TIMEOUT: Final = "0.250s"
"""Product rule: longer than a connection takes to open, shorter than a caller notices. Envoy's default is 20 ms."""

UNITS: Final[Mapping[str, str]] = {"s": "second", "min": "minute", "h": "hour", "d": "day"}


def reference(namespace: str, cluster_domain: str, failure_mode: FailureMode) -> RateLimitRef:
    """The service in a namespace; its domain keeps stacks apart that share a Redis."""
    place = f"{namespace}.svc.{cluster_domain}"
    return RateLimitRef(host=f"{NAME}.{place}", domain=place, failure_mode=failure_mode)


def shared_filter(name: str, limits: SharedLimits, claim: str, service: RateLimitRef) -> Manifest:
    """The filter of the called pod's proxy."""
    cluster = {"cluster_name": f"outbound|{GRPC_PORT}||{service.host}", "authority": service.host}
    closed = service.failure_mode is FailureMode.CLOSED
    config = {
        "@type": RATE_LIMIT,
        "domain": service.domain,
        "stat_prefix": STAT_PREFIX,
        "timeout": TIMEOUT,
        "failure_mode_deny": closed,
        **({"status_on_error": {"code": "ServiceUnavailable"}} if closed else {}),
        "rate_limit_service": {"grpc_service": {"envoy_grpc": cluster}, "transport_api_version": "V3"},
        "response_headers_to_add": [requests.retry_after(max(rate.seconds_per_request for rate in limits.rates))],
        "rate_limits": questions(name, limits, claim),
    }
    return {"name": FILTER, "typed_config": config}


def questions(name: str, limits: SharedLimits, claim: str) -> list[Manifest]:
    """What is asked for a request; every question begins with the service."""
    (service,) = requests.of_service(name)["actions"]
    each = requests.of_tools(limits.tools)
    if limits.organization or limits.organizations:
        each.append(requests.of_organization(claim))
    own = [{"actions": [service]}] if limits.service else []
    return own + [{"actions": [service, *action["actions"]]} for action in each]


def rules(limits: Mapping[str, SharedLimits]) -> list[Manifest]:
    """The rules of all services, in the form of the rate limit service's file."""
    return [
        {
            "key": requests.SERVICE,
            "value": name,
            **(_rate(item.service) if item.service else {}),
            "descriptors": _service_rules(item),
        }
        for name, item in limits.items()
        if item.any
    ]


def _service_rules(limits: SharedLimits) -> list[Manifest]:
    found = [{"key": requests.TOOL, "value": tool, **_rate(rate)} for tool, rate in limits.tools.items()]
    if limits.tools:
        smallest = max(limits.tools.values(), key=lambda rate: rate.seconds_per_request)
        found.append({"key": requests.UNNAMED, "value": requests.TRUE, **_rate(smallest)})
    named = limits.organizations.items()
    found += [{"key": requests.ORGANIZATION, "value": name, **_rate(rate)} for name, rate in named]
    if limits.organization:
        found.append({"key": requests.ORGANIZATION, **_rate(limits.organization)})
    return found


def _rate(rate: SharedRate) -> Manifest:
    number, unit = parsed(rate.rate)
    return {"rate_limit": {"unit": UNITS[unit], "requests_per_unit": number}}
