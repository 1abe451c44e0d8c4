"""Waypoint of a namespace: the HTTP proxy of its services in ambient mode. istiod creates its pods from a Gateway.

Source: Istio, "Configure waypoint proxies".
"""

from typing import Any, Final

import yaml

from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.mesh.cluster.args import Scale, ServiceMeshArgs
from meshed_mcp.components.mesh.cluster.telemetry import EVERY_REQUEST
from meshed_mcp.components.mesh.cluster.telemetry_args import TRACING_PROVIDER

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
    """Replicas and resources of the pods, merged over the defaults of istiod.

    Source: Istio, "Kubernetes Gateway API", automated deployment, `parametersRef`.
    """
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
