"""Cluster of the rate limit service of this machine; if it is down, the failure mode of the stack applies. Pure."""

from collections.abc import Iterable
from typing import Final

from meshed_mcp.local.translate.envoy.api import Message
from meshed_mcp.local.translate.envoy.clusters import CONNECT_TIMEOUT, PROTOCOL_OPTIONS, endpoints
from meshed_mcp.local.translate.objects.envoy_filter import EnvoyFilter, HTTPFilterPatch
from meshed_mcp.local.translate.objects.rate_limit import RateLimit

ADDRESS: Final = ("127.0.0.1", 8081)
"""Source: github.com/envoyproxy/ratelimit, default of GRPC_PORT."""


def rate_limit_clusters(filters: Iterable[EnvoyFilter]) -> list[Message]:
    """A cluster per cluster name in a rate limit filter."""
    names = {
        patch.patch.value.typed_config.rate_limit_service.grpc_service.envoy_grpc.cluster_name
        for owner in filters
        for patch in owner.spec.config_patches
        if isinstance(patch, HTTPFilterPatch) and isinstance(patch.patch.value.typed_config, RateLimit)
    }
    http2 = {"@type": f"type.googleapis.com/{PROTOCOL_OPTIONS}", "explicit_http_config": {"http2_protocol_options": {}}}
    return [
        {
            "name": name,
            "type": "STATIC",
            "connect_timeout": CONNECT_TIMEOUT,
            "typed_extension_protocol_options": {PROTOCOL_OPTIONS: http2},
            "load_assignment": endpoints(name, [ADDRESS]),
        }
        for name in sorted(names)
    ]
