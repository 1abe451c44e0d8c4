"""EnvoyFilter with the rate limits of one service: Envoy's local_ratelimit filter per pod, and the shared filter.

The filters run after authorization, so unauthorized callers take no tokens. The management port is not limited.
Source: Envoy API v3, extensions.filters.http.local_ratelimit.
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.rate_limit import descriptors as requests
from meshed_mcp.components.mesh.rate_limit.args import RateLimits, TokenBucket, with_default_limits
from meshed_mcp.components.mesh.rate_limit.shared import shared_filter
from meshed_mcp.components.mesh.routing.connect_failure_retry import ENVOY_FILTER, before_router
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.error_codes.service import ORGANIZATION_WITHOUT_AUTH, SHARED_LIMIT_WITHOUT_SERVICE

FILTER: Final = "envoy.filters.http.local_ratelimit"
LOCAL_RATE_LIMIT: Final = "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"
STAT_PREFIX: Final = "mcp_rate_limits"
"""Counters are `mcp_rate_limits.http_local_rate_limit.{enabled,enforced,ok,rate_limited}`."""

ALWAYS: Final = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
"""For `filter_enabled` and `filter_enforced`: unset, each is 0 percent and nothing is limited."""

TOO_MANY: Final = "TooManyRequests"
"""429. Source: RFC 6585, section 4."""

MAX_ORGANIZATIONS: Final = 10_000
"""Dynamic buckets per pod, evicted least recently used; a bucket takes some hundred bytes. Envoy's default is 20."""

NO_LIMIT: Final = {"max_tokens": 4_294_967_295, "tokens_per_fill": 4_294_967_295, "fill_interval": "1s"}
"""Default bucket without a `pod` limit, which Envoy requires: the largest uint32. Source: Envoy, TokenBucket."""


def rate_limit_envoy_filters(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """At most one EnvoyFilter with all rate limits of the service; none without limits."""
    limits = with_default_limits(args.rate_limits, expose=args.expose)
    local = [{"name": FILTER, "typed_config": local_filter_config(limits, args)}] if limits.buckets else []
    filters = [*local, *shared_filters(name, args)]
    if not filters:
        return []
    patches = [before_router(each) for each in filters]
    spec = {"workloadSelector": {"labels": {contract.LABEL_APP: name}}, "configPatches": patches}
    meta = metadata(f"{name}-rate-limits", args.namespace, standard_labels(name))
    return [manifest(ENVOY_FILTER, "EnvoyFilter", meta, spec)]


def shared_filters(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """The filter that calls the rate limit service; it runs after the local one, whose rejections are not counted."""
    limits = args.rate_limits.shared
    if not limits.rates:
        return []
    if args.rate_limit_service is None:
        raise SHARED_LIMIT_WITHOUT_SERVICE.error(name=name)
    claims = organization_claims(args) if limits.organization or limits.organizations else {}
    return [shared_filter(name, limits, claims, args.rate_limit_service)]


def local_filter_config(limits: RateLimits, args: MeshedMCPServiceArgs) -> Manifest:
    """Configuration of the local_ratelimit filter."""
    actions = requests.tool_actions(limits.tools)
    if limits.by_organization:
        actions.append(requests.organization_action(organization_claims(args)))
    slowest = max(bucket.seconds_per_request for bucket in limits.buckets)
    return {
        "@type": LOCAL_RATE_LIMIT,
        "stat_prefix": STAT_PREFIX,
        "status": {"code": TOO_MANY},
        "token_bucket": dict(NO_LIMIT) if limits.pod is None else _tokens(limits.pod),
        "filter_enabled": {"runtime_key": f"{STAT_PREFIX}.enabled", **ALWAYS},
        "filter_enforced": {"runtime_key": f"{STAT_PREFIX}.enforced", **ALWAYS},
        "response_headers_to_add": [requests.retry_after_header(slowest)],
        **({"rate_limits": actions, "descriptors": descriptors(limits)} if actions else {}),
        **({"max_dynamic_descriptors": MAX_ORGANIZATIONS} if limits.organization else {}),
    }


def organization_claims(args: MeshedMCPServiceArgs) -> dict[str, str]:
    """Issuer -> its organization claim. Raises ValueError without `auth`."""
    if args.auth is None:
        raise ORGANIZATION_WITHOUT_AUTH.error(field="organization")
    return args.auth.organization_claims


def descriptors(limits: RateLimits) -> list[Manifest]:
    """Descriptors with their buckets; Envoy makes a bucket per value for an entry without a value."""
    found = [_descriptor(requests.TOOL, tool, bucket) for tool, bucket in limits.tools.items()]
    if limits.unnamed is not None:
        found.append(_descriptor(requests.UNNAMED, requests.TRUE, limits.unnamed))
    found += [_descriptor(requests.ORGANIZATION, name, bucket) for name, bucket in limits.organizations.items()]
    if limits.organization is not None:
        found.append(_descriptor(requests.ORGANIZATION, None, limits.organization))
    return found


def _descriptor(key: str, value: str | None, bucket: TokenBucket) -> Manifest:
    entry = {"key": key} if value is None else {"key": key, "value": value}
    return {"entries": [entry], "token_bucket": _tokens(bucket)}


def _tokens(bucket: TokenBucket) -> Manifest:
    return {
        "max_tokens": bucket.burst or bucket.requests,
        "tokens_per_fill": bucket.requests,
        "fill_interval": f"{bucket.period_seconds}s",
    }
