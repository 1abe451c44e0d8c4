"""Shared rate limits over all pods: Envoy's ratelimit filter, and the descriptor rules of the rate limit service.

Both derive from the same settings, so that every descriptor has a rule.
Source: Envoy API v3, extensions.filters.http.ratelimit; github.com/envoyproxy/ratelimit, "Configuration".
"""

from collections.abc import Mapping
from typing import Final

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.rate_limit import descriptors as requests
from meshed_mcp.components.mesh.rate_limit.args import SharedLimits, SharedRate, parse_rate
from meshed_mcp.components.mesh.rate_limit.server_args import NAME, FailureMode, RateLimitRef

GRPC_PORT: Final = 8081
"""Source: github.com/envoyproxy/ratelimit, default of GRPC_PORT."""

FILTER: Final = "envoy.filters.http.ratelimit"
RATE_LIMIT: Final = "type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit"
STAT_PREFIX: Final = "mcp_shared"
"""Counters are `cluster.<inbound>.ratelimit.mcp_shared.{ok,over_limit,error,failure_mode_allowed}`."""

TIMEOUT: Final = "0.250s"
"""Product rule: longer than opening a connection takes. Envoy's default is 20 ms."""

UNITS: Final[Mapping[str, str]] = {"s": "second", "min": "minute", "h": "hour", "d": "day"}


def rate_limit_ref(namespace: str, cluster_domain: str, failure_mode: FailureMode) -> RateLimitRef:
    """The rate limit service of a namespace; its domain separates stacks that share a Redis."""
    domain = f"{namespace}.svc.{cluster_domain}"
    return RateLimitRef(host=f"{NAME}.{domain}", domain=domain, failure_mode=failure_mode)


def shared_filter(name: str, limits: SharedLimits, claims: Mapping[str, str], service: RateLimitRef) -> Manifest:
    """The ratelimit filter in the sidecar of the service."""
    cluster = {"cluster_name": f"outbound|{GRPC_PORT}||{service.host}", "authority": service.host}
    closed = service.failure_mode is FailureMode.CLOSED
    slowest = max(rate.seconds_per_request for rate in limits.rates)
    config = {
        "@type": RATE_LIMIT,
        "domain": service.domain,
        "stat_prefix": STAT_PREFIX,
        "timeout": TIMEOUT,
        "failure_mode_deny": closed,
        **({"status_on_error": {"code": "ServiceUnavailable"}} if closed else {}),
        "rate_limit_service": {"grpc_service": {"envoy_grpc": cluster}, "transport_api_version": "V3"},
        "response_headers_to_add": [requests.retry_after_header(slowest)],
        "rate_limits": shared_limit_actions(name, limits, claims),
    }
    return {"name": FILTER, "typed_config": config}


def shared_limit_actions(name: str, limits: SharedLimits, claims: Mapping[str, str]) -> list[Manifest]:
    """Descriptor actions of a service's shared limits; every descriptor begins with the service."""
    (service,) = requests.service_action(name)["actions"]
    each = requests.tool_actions(limits.tools)
    if limits.organization or limits.organizations:
        each.append(requests.organization_action(claims))
    own = [{"actions": [service]}] if limits.service else []
    return own + [{"actions": [service, *action["actions"]]} for action in each]


def descriptor_rules(limits: Mapping[str, SharedLimits]) -> list[Manifest]:
    """Descriptor rules of all services, in the format of the rate limit service."""
    found = list[Manifest]()
    for name, item in limits.items():
        if item.rates:
            own = _rate(item.service) if item.service else {}
            found.append({"key": requests.SERVICE, "value": name, **own, "descriptors": _service_rules(item)})
    return found


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
    number, unit = parse_rate(rate.rate)
    return {"rate_limit": {"unit": UNITS[unit], "requests_per_unit": number}}
