"""The EnvoyFilter by which each sidecar of a service limits what reaches its pod.

A service's name and arguments in, at most one object out. It stands before the router of the inbound side, so behind
tokens and authorization: who may not call takes no tokens. The management port is outside the mesh and never limited.
Not here: what the settings mean (args.py), limits over all pods (shared.py).
Source: Envoy API v3, extensions.filters.http.local_ratelimit.
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.rate_limit import descriptors as requests
from meshed_mcp.components.mesh.rate_limit.args import RateLimits, TokenBucket, effective
from meshed_mcp.components.mesh.rate_limit.shared import shared_filter
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.error_codes.service import ORGANIZATION_WITHOUT_AUTH, SHARED_LIMIT_WITHOUT_SERVICE

ENVOY_FILTER: Final = "networking.istio.io/v1alpha3"
"""Source: Istio 1.31 CRDs, the only version of EnvoyFilter."""

FILTER: Final = "envoy.filters.http.local_ratelimit"
LOCAL_RATE_LIMIT: Final = "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"
STAT_PREFIX: Final = "mcp_rate_limits"
"""Counters are `mcp_rate_limits.http_local_rate_limit.{enabled,enforced,ok,rate_limited}`."""

ALWAYS: Final = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
"""For `filter_enabled` and `filter_enforced`: unset, each is 0 percent and nothing is limited."""

TOO_MANY: Final = "TooManyRequests"
"""429. Source: RFC 6585, section 4."""

MAX_ORGANIZATIONS: Final = 10_000
"""Buckets that a pod keeps for organizations without one of their own, the least used is forgotten; Envoy's default is
20, which a few more callers would wash out. A bucket takes some hundred bytes."""

NO_LIMIT: Final = {"max_tokens": 4_294_967_295, "tokens_per_fill": 4_294_967_295, "fill_interval": "1s"}
"""The bucket of every request where only some are limited. Source: Envoy, TokenBucket, the largest uint32."""


def rate_limits(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """The object with all limits; none where nothing is limited."""
    limits = effective(args.rate_limits, expose=args.expose)
    local = [{"name": FILTER, "typed_config": local_rate_limit(limits, args)}] if limits.buckets else []
    filters = [*local, *shared_filters(name, args)]
    if not filters:
        return []
    spec = {
        "workloadSelector": {"labels": {contract.LABEL_APP: name}},
        "configPatches": [before_the_router(each) for each in filters],
    }
    meta = metadata(f"{name}-rate-limits", args.namespace, standard_labels(name))
    return [manifest(ENVOY_FILTER, "EnvoyFilter", meta, spec)]


def shared_filters(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """The filter that asks the rate limit service, behind the pod's own, so what the pod refuses is not counted."""
    limits = args.rate_limits.shared
    if not limits.any:
        return []
    if args.rate_limit_service is None:
        raise SHARED_LIMIT_WITHOUT_SERVICE.error(name=name)
    claim = organization_claim(args) if limits.organization or limits.organizations else ""
    return [shared_filter(name, limits, claim, args.rate_limit_service)]


def before_the_router(http_filter: Manifest) -> Manifest:
    """The patch that puts a filter last before the router of the inbound side."""
    manager = "envoy.filters.network.http_connection_manager"
    last = {"filter": {"name": manager, "subFilter": {"name": "envoy.filters.http.router"}}}
    return {
        "applyTo": "HTTP_FILTER",
        "match": {"context": "SIDECAR_INBOUND", "listener": {"filterChain": last}},
        "patch": {"operation": "INSERT_BEFORE", "value": http_filter},
    }


def local_rate_limit(limits: RateLimits, args: MeshedMCPServiceArgs) -> Manifest:
    """The filter's configuration: who counts where, and what each may."""
    actions = requests.of_tools(limits.tools)
    if limits.by_organization:
        actions.append(requests.of_organization(organization_claim(args)))
    by_key = {"rate_limits": actions, "descriptors": descriptors(limits)} if actions else {}
    most = {"max_dynamic_descriptors": MAX_ORGANIZATIONS} if limits.organization else {}
    return {
        "@type": LOCAL_RATE_LIMIT,
        "stat_prefix": STAT_PREFIX,
        "status": {"code": TOO_MANY},
        "token_bucket": dict(NO_LIMIT) if limits.pod is None else _tokens(limits.pod),
        "filter_enabled": {"runtime_key": f"{STAT_PREFIX}.enabled", **ALWAYS},
        "filter_enforced": {"runtime_key": f"{STAT_PREFIX}.enforced", **ALWAYS},
        "response_headers_to_add": [requests.retry_after(max(bucket.seconds_per_request for bucket in limits.buckets))],
        **by_key,
        **most,
    }


def organization_claim(args: MeshedMCPServiceArgs) -> str:
    """Name of the claim; settings that need it are refused without tokens."""
    if args.auth is None:
        raise ORGANIZATION_WITHOUT_AUTH.error(field="organization")
    return args.auth.organization_claim


def descriptors(limits: RateLimits) -> list[Manifest]:
    """A bucket for each kind of request; an entry without a value makes one for every value it meets."""
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
