"""DestinationRule of one MCP server. Source of the hazards that its numbers avoid: Istio API, TrafficPolicy."""

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
"""Detects a lost peer of an idle stream after two minutes, instead of the kernel's two hours."""

WARMUP_FLOOR_PERCENT: Final = 10
"""Initial share of requests of a new replica. Source: Istio API, WarmupConfiguration, default."""


def destination_rule(name: str, args: MeshedMCPServiceArgs) -> Manifest:
    """One traffic policy for all versions and pools, which are the subsets."""
    settings, labels = args.traffic, [version.label for version in versions(name, args)]
    detection = settings.outlier_detection
    policy = {
        "tls": {"mode": "ISTIO_MUTUAL"},
        "loadBalancer": load_balancer(settings.balancing, settings.locality),
        "connectionPool": connection_pool(settings.connections),
        **({} if detection is None else {"outlierDetection": outlier_detection(detection)}),
    }
    subsets = [{"name": label, "labels": {contract.LABEL_VERSION: label}} for label in labels]
    if args.sessions.in_redis:
        # Only sessions use the host without a subset. One whose replica is gone must always reach the same other one.
        balanced = {"trafficPolicy": {"loadBalancer": policy["loadBalancer"]}}
        policy["loadBalancer"] = session_load_balancer(settings.locality)
        subsets = [{**subset, **balanced} for subset in subsets]
    spec = {"host": service_host(name, args), "trafficPolicy": policy, "subsets": subsets}
    return manifest(NETWORKING, "DestinationRule", metadata(name, args.namespace), spec)


def load_balancer(balancing: Balancing, locality: Locality | None) -> Manifest:
    """Balancing policy, warm-up and locality.

    Without `locality` it is disabled explicitly, because with outlier detection Istio keeps requests in their zone.
    """
    warmup = {"duration": f"{balancing.warmup_seconds}s", "minimumPercent": WARMUP_FLOOR_PERCENT}
    chosen: Manifest = (
        {"consistentHash": {"httpHeaderName": balancing.hash_header}}
        if balancing.policy is BalancingPolicy.CONSISTENT_HASH
        else {"simple": balancing.policy.value.upper()}
    )
    return {
        **chosen,
        **({} if balancing.warmup_seconds is None else {"warmup": warmup}),
        "localityLbSetting": {"enabled": False} if locality is None else locality_setting(locality),
    }


def session_load_balancer(locality: Locality | None) -> Manifest:
    """Balancing of sessions whose replica is gone: by the hash of the id, without the part that names the replica."""
    return {
        "consistentHash": {"httpHeaderName": contract.SESSION_HEADER},
        "localityLbSetting": {"enabled": False} if locality is None else locality_setting(locality),
    }


def locality_setting(locality: Locality) -> Manifest:
    """`localityLbSetting`: shares of localities, or failover of regions."""
    if locality.distribute:
        shares = [{"from": source, "to": dict(to)} for source, to in locality.distribute.items()]
        return {"enabled": True, "distribute": shares}
    return {"enabled": True, "failover": [{"from": one, "to": other} for one, other in locality.failover.items()]}


def connection_pool(connections: Connections) -> Manifest:
    """Connection limits; no limit of requests per connection, which would repeat TLS handshakes."""
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
    """Both counters, as each has its own default.

    A `minHealthPercent` of 0 is left out, because setting it changes which endpoints proxies receive.
    Source: Istio API, OutlierDetection.
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
