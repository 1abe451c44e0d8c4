"""Settings of the proxies: in the MeshConfig of the stack's own Istio, as annotations of pods in an existing mesh."""

import json
from typing import Final

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.rate_limit import local, shared

CONNECTION_STATS: Final = (
    r"cluster\.outbound\|.*\.upstream_rq_(retry|pending)[a-z_]*",
    r"cluster\.outbound\|.*\.circuit_breakers\.default\.[a-z_]+_open",
    rf"{local.STAT_PREFIX}\.http_local_rate_limit\.[a-z_]+",
    rf"cluster\.inbound\|.*\.ratelimit\.{shared.STAT_PREFIX}\.[a-z_]+",
)
"""Envoy statistics that Istio's proxies omit by default: retries, pending requests, open circuit breakers, rate limits.
They match Envoy's names, before the prefix `envoy_`. Source: Istio, ProxyConfig `proxyStatsMatcher`; Envoy, "Cluster
manager statistics"."""

PROXY_CONFIG_ANNOTATION: Final = "proxy.istio.io/config"
"""ProxyConfig of one pod, merged over that of the MeshConfig. Source: Istio, "Resource Annotations"."""


def proxy_config(*, dual_stack: bool = False) -> Manifest:
    """ProxyConfig of every proxy: DNS proxying, and the statistics that dashboards read.

    DNS proxying selects the right rule for external hosts that share an address, and saves lookups in the cluster's
    DNS. Source: Istio, "Global Mesh Options" and "DNS Proxying".
    """
    return {
        "proxyMetadata": {"ISTIO_META_DNS_CAPTURE": "true", **dual_stack_variable(dual_stack=dual_stack)},
        "proxyStatsMatcher": {"inclusionRegexps": list(CONNECTION_STATS)},
    }


def dual_stack_variable(*, dual_stack: bool) -> dict[str, str]:
    """Variable of istiod and of proxies, with which both use two families. Source: Istio, "Dual Stack"."""
    return {"ISTIO_DUAL_STACK": "true"} if dual_stack else {}


def proxy_config_annotation(*, dual_stack: bool = False) -> dict[str, str]:
    """The annotation for pods in an existing mesh; JSON is YAML."""
    return {PROXY_CONFIG_ANNOTATION: json.dumps(proxy_config(dual_stack=dual_stack))}
