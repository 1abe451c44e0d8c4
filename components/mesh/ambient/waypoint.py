"""Waypoints and ztunnel of ambient mode. Source: Istio, "Configure waypoint proxies"; Istio 1.31 charts."""

from typing import Any, Final

import yaml

from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.core.platform import ISTIO_PROFILES
from meshed_mcp.components.mesh.cluster.args import ServiceMeshArgs
from meshed_mcp.components.mesh.cluster.gateway_args import Scale
from meshed_mcp.components.mesh.cluster.mode import MeshMode
from meshed_mcp.components.mesh.cluster.telemetry import EVERY_REQUEST
from meshed_mcp.components.mesh.cluster.telemetry_args import TRACING_PROVIDER
from meshed_mcp.components.mesh.routing.tool_routes import RETRIES

GATEWAY_API: Final = "gateway.networking.k8s.io/v1"
GATEWAY_GROUP: Final = "gateway.networking.k8s.io"

WAYPOINT: Final = "waypoint"
"""Name of the Gateway, its service account and identity. Source: `istioctl waypoint`, default name."""

WAYPOINT_CLASS: Final = "istio-waypoint"
HBONE_PORT: Final = 15008
"""Source: Istio, "HBONE": HTTP CONNECT over mutual TLS."""

PEER_ANNOTATION: Final = {"ambient.istio.io/xfcc-include-client-identity": "true"}
"""The waypoint sends the caller's identity in the header that sidecars use and replaces a client's header. Source:
Istio 1.31 release notes, issue 54995."""

USE_WAYPOINT: Final = {"istio.io/use-waypoint": WAYPOINT, "istio.io/ingress-use-waypoint": "true"}
"""Labels of a Service that route requests to the waypoint, including those of the ingress gateway. Source: Istio,
"Resource Labels"."""

CPU_TARGET_PERCENT: Final = 80
"""Source: Istio chart `gateway`, default `targetCPUUtilizationPercentage`."""

ZTUNNEL_RELEASE: Final = "ztunnel"
"""Helm release of ztunnel; istiod trusts it by this name. Source: chart `ztunnel`, `resourceName`."""

ZTUNNEL_GRACE_SECONDS: Final = 60
"""Grace period of ztunnel for the connections of its node; the chart's 30 is shorter than that of servers."""


def profile_values(args: ServiceMeshArgs) -> Manifest:
    """Values of the charts base, istiod and cni; empty in sidecar mode."""
    return {"profile": "ambient"} if args.mode is MeshMode.AMBIENT else {}


def default_retries(args: ServiceMeshArgs) -> Manifest:
    """Retry policy of waypoints; Istio's default could run a tool twice. Source: Istio, `defaultHttpRetryPolicy`."""
    return {"defaultHttpRetryPolicy": dict(RETRIES)} if args.mode is MeshMode.AMBIENT else {}


def ztunnel_values(args: ServiceMeshArgs) -> Manifest:
    """Values of chart ztunnel, which has hub and tag at the root."""
    return {
        "profile": "ambient",
        **({} if args.revision is None else {"revision": args.revision}),
        "hub": args.hub,
        "tag": args.istio_version,
        "logAsJson": True,
        "terminationGracePeriodSeconds": ZTUNNEL_GRACE_SECONDS,
        "global": {"networkPolicy": {"enabled": True}}
        | ({"platform": args.platform.value} if args.platform in ISTIO_PROFILES else {}),
    }


def waypoint_objects(args: ServiceMeshArgs) -> list[Manifest]:
    """Objects of the waypoint of each meshed namespace: options, Gateway, tracing."""
    found = list[Manifest]()
    for namespace in args.namespaces:
        found += [size_options(namespace, args.waypoint), waypoint(namespace)]
        found += [] if args.tracing is None else [waypoint_tracing(namespace)]
    return found


def waypoint(namespace: str) -> Manifest:
    """The Gateway from which istiod creates the pods."""
    options = {"group": "", "kind": "ConfigMap", "name": WAYPOINT}
    # `allowedRoutes` is the API server's default, set to avoid a diff at each apply.
    same_namespace = {"allowedRoutes": {"namespaces": {"from": "Same"}}}
    spec = {
        "gatewayClassName": WAYPOINT_CLASS,
        "infrastructure": {"parametersRef": options, "annotations": dict(PEER_ANNOTATION)},
        "listeners": [{"name": "mesh", "port": HBONE_PORT, "protocol": "HBONE", **same_namespace}],
    }
    meta = metadata(WAYPOINT, namespace)
    labels = meta["labels"] | {"istio.io/waypoint-for": "service"}
    return manifest(GATEWAY_API, "Gateway", meta | {"labels": labels}, spec)


def size_options(namespace: str, size: Scale) -> Manifest:
    """Replicas and resources over istiod's defaults. Source: Istio, "Kubernetes Gateway API", `parametersRef`."""
    cpu_target = {"type": "Utilization", "averageUtilization": CPU_TARGET_PERCENT}
    autoscaler = {
        "minReplicas": size.min_replicas,
        "maxReplicas": size.max_replicas,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": cpu_target}}],
    }
    proxy = {"name": "istio-proxy", "resources": {"requests": {"cpu": size.cpu, "memory": size.memory}}}
    specs: dict[str, Any] = {
        "horizontalPodAutoscaler": autoscaler,
        "podDisruptionBudget": {"maxUnavailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow"},
        "deployment": {"template": {"spec": {"containers": [proxy]}}},
    }
    data = {part: yaml.safe_dump({"spec": spec}) for part, spec in specs.items()}
    return manifest("v1", "ConfigMap", metadata(WAYPOINT, namespace), data=data)


def waypoint_tracing(namespace: str) -> Manifest:
    """Spans of the waypoint, with the sampling decision of the gateway."""
    traced = {"providers": [{"name": TRACING_PROVIDER}], "randomSamplingPercentage": EVERY_REQUEST}
    spec = {"targetRefs": [{"group": GATEWAY_GROUP, "kind": "Gateway", "name": WAYPOINT}], "tracing": [traced]}
    return manifest("telemetry.istio.io/v1", "Telemetry", metadata(WAYPOINT, namespace), spec)
