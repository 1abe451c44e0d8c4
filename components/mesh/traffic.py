"""Istio routes and connection rules of one MCP server: VirtualServices and DestinationRule.

A service's name and arguments in, objects out. Streams decide the numbers: a listening client holds one request open
for as long as it lives. Source of the hazards: Istio API reference, HTTPRoute and TrafficPolicy.
Not here: who may call (security.py), the gateway itself (gateway.py).
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.addresses import exposed_path, metadata_path, service_host
from meshed_mcp.components.mesh.args import IngressRef, MeshedMCPServiceArgs
from meshed_mcp.components.mesh.workload import versions

NETWORKING: Final = "networking.istio.io/v1"
"""Source: Istio 1.31 CRDs, storage version of VirtualService, DestinationRule and Gateway."""

MESH_GATEWAY: Final = "mesh"
"""The reserved name for all sidecars. Source: Istio API, VirtualService `gateways`."""

RETRIES: Final = {"attempts": 2, "retryOn": "connect-failure,refused-stream"}
"""Only faults before the server saw the call, so a POST of tools/call never runs twice."""

MAX_STREAMS: Final = 4096
"""Open requests and connections one client proxy may hold to the service; every listening client holds one of each.

Product rule: far above what a replica serves, so only a runaway client meets it. Upstream has no limit (2^32-1).
"""

MAX_PENDING_REQUESTS: Final = 1024
"""Requests that may wait for a connection; the next one gets 503 at once. Product rule, as MAX_STREAMS."""

CONNECT_TIMEOUT: Final = "3s"
"""Product rule: a pod that takes no connection in 3 s is gone, and the retry goes to another. Upstream: 10 s."""

IDLE_TIMEOUT: Final = "900s"
"""Connections without any request are closed after it; one that carries a stream is not idle."""

KEEPALIVE: Final = {"time": "60s", "interval": "20s", "probes": 3}
"""A peer that vanished under a silent stream is noticed after two minutes, not after the kernel's two hours."""

OUTLIER_DETECTION: Final = {
    "consecutive5xxErrors": 5,
    "consecutiveGatewayErrors": 5,
    "interval": "10s",
    "baseEjectionTime": "30s",
    "maxEjectionPercent": 50,
}
"""Both counters, because each has a default of its own that would go on counting; at most half of the pods are out.

minHealthPercent stays 0: below it sick pods get calls again. Source: Istio API, OutlierDetection.
"""


SESSION_HEADER: Final = "mcp-session-id"
"""Carries the session of clients up to 2025-11-25. Source: MCP 2025-11-25, "Session Management"."""

CHOSEN_REPLICA: Final = {"x-mcp-upstream": "%UPSTREAM_REMOTE_ADDRESS%"}
"""Tells session_affinity.lua which replica answered; the script takes it off again. Source: Envoy, "Access logging"."""


def mesh_route(name: str, args: MeshedMCPServiceArgs) -> Manifest:
    """The route of every sidecar to the service, without a time-out: a stream lives as long as its client."""
    host = service_host(name, args)
    return manifest(
        NETWORKING,
        "VirtualService",
        metadata(name, args.namespace),
        {
            "hosts": [host],
            "gateways": [MESH_GATEWAY],
            "http": mesh_routes(name, args),
        },
    )


def mesh_routes(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """The rules of that route."""
    return _rules(name, args, "default")


def ingress_route(name: str, args: MeshedMCPServiceArgs, ingress: IngressRef) -> Manifest:
    """The route of the gateway: the endpoint's path below the service's name, and nothing else of the service."""
    return manifest(
        NETWORKING,
        "VirtualService",
        metadata(f"{name}-ingress", args.namespace, standard_labels(name)),
        {"hosts": [ingress.host], "gateways": [ingress.gateway], "http": ingress_routes(name, args)},
    )


def ingress_routes(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """The rules of that route: the endpoint itself, what lies beneath it, and where clients learn of its tokens."""
    outside, metadata_at = exposed_path(name, args), metadata_path(name, args)
    matches = {"endpoint": ({"exact": outside}, args.path), "beneath": ({"prefix": f"{outside}/"}, f"{args.path}/")}
    if args.auth is not None:
        matches["metadata"] = ({"exact": metadata_at}, metadata_at)
    return [
        rule
        for label, (uri, path) in matches.items()
        for rule in _rules(name, args, f"{name}-{label}", match={"uri": uri}, rewrite={"uri": path})
    ]


def _rules(
    name: str, args: MeshedMCPServiceArgs, label: str, match: Manifest | None = None, rewrite: Manifest | None = None
) -> list[Manifest]:
    """One rule by weight; for sessions one more before it, to all replicas at once: weights are drawn per request, so
    a session would change its version, and a replica is found only among those of the chosen destination.
    """  # noqa: D205 - one sentence
    change = {"rewrite": rewrite} if rewrite else {}
    plain = {
        "name": label,
        **({"match": [match]} if match else {}),
        **change,
        "route": destinations(name, args),
        "retries": dict(RETRIES),
    }
    if args.legacy is not contract.Legacy.STICKY:
        return [plain]
    session = plain | {
        "name": f"{label}-session",
        "match": [{**(match or {}), "headers": {SESSION_HEADER: {}}}],
        "route": [{"destination": {"host": service_host(name, args), "port": {"number": contract.MCP_PORT}}}],
    }
    return [rule | {"headers": {"response": {"set": dict(CHOSEN_REPLICA)}}} for rule in (session, plain)]


def destinations(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """Where a route sends calls: the stable version, or both versions by their weights."""
    host = service_host(name, args)
    weights = args.rollout.weights
    if weights is None:
        return [{"destination": _subset(host, contract.STABLE)}]
    return [
        {"destination": _subset(host, contract.STABLE), "weight": weights.stable},
        {"destination": _subset(host, contract.CANARY), "weight": weights.canary},
    ]


def destination_rule(name: str, args: MeshedMCPServiceArgs) -> Manifest:
    """How every proxy connects to the service; its subsets are the versions that run."""
    return manifest(
        NETWORKING,
        "DestinationRule",
        metadata(name, args.namespace),
        {
            "host": service_host(name, args),
            "trafficPolicy": {
                "tls": {"mode": "ISTIO_MUTUAL"},
                "loadBalancer": {"simple": "LEAST_REQUEST"},
                "connectionPool": {
                    "tcp": {
                        "maxConnections": MAX_STREAMS,
                        "connectTimeout": CONNECT_TIMEOUT,
                        "idleTimeout": IDLE_TIMEOUT,
                        "tcpKeepalive": dict(KEEPALIVE),
                    },
                    "http": {
                        "http1MaxPendingRequests": MAX_PENDING_REQUESTS,
                        "http2MaxRequests": MAX_STREAMS,
                        "idleTimeout": IDLE_TIMEOUT,
                    },
                },
                "outlierDetection": dict(OUTLIER_DETECTION),
            },
            "subsets": [
                {"name": version.label, "labels": {contract.LABEL_VERSION: version.label}}
                for version in versions(name, args)
            ],
        },
    )


def _subset(host: str, subset: str) -> Manifest:
    return {"host": host, "subset": subset, "port": {"number": contract.MCP_PORT}}
