"""How every proxy connects to one MCP server: its DestinationRule.

A service's name and arguments in, one object out. Streams decide the numbers: a listening client holds one request
open for as long as it lives. Source of the hazards: Istio API reference, TrafficPolicy. Not here: the bounds of each
value (destination_rule_args.py), which version a call gets (virtual_service.py).
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.mesh.routing.destination_rule_args import (
    Balancing,
    BalancingPolicy,
    Connections,
    OutlierDetection,
)
from meshed_mcp.components.mesh.routing.locality_args import Locality
from meshed_mcp.components.mesh.routing.virtual_service import NETWORKING
from meshed_mcp.components.mesh.service.addresses import service_host
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.components.mesh.service.workload import versions

KEEPALIVE: Final = {"time": "60s", "interval": "20s", "probes": 3}
"""A peer that vanished under a silent stream is noticed after two minutes, not after the kernel's two hours."""

SIMPLE: Final = {
    BalancingPolicy.LEAST_REQUEST: "LEAST_REQUEST",
    BalancingPolicy.ROUND_ROBIN: "ROUND_ROBIN",
    BalancingPolicy.RANDOM: "RANDOM",
}
"""Source: Istio API, LoadBalancerSettings, `SimpleLB`."""

WARMUP_FLOOR_PERCENT: Final = 10
"""Share of a whole replica's calls that a new one begins with. Source: Istio API, WarmupConfiguration, default."""


def destination_rule(name: str, args: MeshedMCPServiceArgs) -> Manifest:
    """Rules of all versions alike; its subsets are the versions and pools that run."""
    settings = args.traffic
    detection = settings.outlier_detection
    return manifest(
        NETWORKING,
        "DestinationRule",
        metadata(name, args.namespace),
        {
            "host": service_host(name, args),
            "trafficPolicy": {
                "tls": {"mode": "ISTIO_MUTUAL"},
                "loadBalancer": load_balancer(settings.balancing, settings.locality),
                "connectionPool": connection_pool(settings.connections),
                **({} if detection is None else {"outlierDetection": outlier_detection(detection)}),
            },
            "subsets": [
                {"name": version.label, "labels": {contract.LABEL_VERSION: version.label}}
                for version in versions(name, args)
            ],
        },
    )


def load_balancer(balancing: Balancing, locality: Locality | None) -> Manifest:
    """The policy, a slow start, and places; calls go anywhere unless places are asked for.

    Said, as Istio's own default beside outlier detection is that calls stay in their zone.
    """
    warmup = {"duration": f"{balancing.warmup_seconds}s", "minimumPercent": WARMUP_FLOOR_PERCENT}
    chosen: Manifest = (
        {"consistentHash": {"httpHeaderName": balancing.hash_header}}
        if balancing.policy is BalancingPolicy.CONSISTENT_HASH
        else {"simple": SIMPLE[balancing.policy]}
    )
    return {
        **chosen,
        **({} if balancing.warmup_seconds is None else {"warmup": warmup}),
        "localityLbSetting": {"enabled": False} if locality is None else locality_setting(locality),
    }


def locality_setting(locality: Locality) -> Manifest:
    """Shares of places, or substitutes of regions."""
    if locality.distribute:
        return {
            "enabled": True,
            "distribute": [{"from": place, "to": dict(shares)} for place, shares in locality.distribute.items()],
        }
    return {"enabled": True, "failover": [{"from": one, "to": other} for one, other in locality.failover.items()]}


def connection_pool(connections: Connections) -> Manifest:
    """Bounds on both kinds of connections; none on requests per connection, which would end mutual TLS again and
    again.
    """  # noqa: D205 - one sentence
    idle = f"{connections.idle_seconds}s"
    return {
        "tcp": {
            "maxConnections": connections.streams,
            "connectTimeout": f"{connections.connect_seconds}s",
            "idleTimeout": idle,
            "tcpKeepalive": dict(KEEPALIVE),
        },
        "http": {
            "http1MaxPendingRequests": connections.pending_requests,
            "http2MaxRequests": connections.streams,
            "idleTimeout": idle,
        },
    }


def outlier_detection(detection: OutlierDetection) -> Manifest:
    """Both counters, because each has a default of its own that would go on counting.

    minHealthPercent is left out at 0: naming it would also change which endpoints proxies hear of. Source: Istio API,
    OutlierDetection.
    """
    least = {"minHealthPercent": detection.min_health_percent} if detection.min_health_percent else {}
    return {
        "consecutive5xxErrors": detection.consecutive_5xx_errors,
        "consecutiveGatewayErrors": detection.consecutive_gateway_errors,
        "interval": f"{detection.interval_seconds}s",
        "baseEjectionTime": f"{detection.ejection_seconds}s",
        "maxEjectionPercent": detection.max_ejection_percent,
        **least,
    }
