"""Values of the Istio chart `gateway` for the ingress, egress and east-west gateways."""

from typing import Any, Final, NamedTuple

from meshed_mcp.components.core.ip_families import family_policy
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.core.platform import ISTIO_PROFILES
from meshed_mcp.components.mesh.cluster.args import ServiceMeshArgs
from meshed_mcp.components.mesh.cluster.gateway_args import GatewayScale, Scale
from meshed_mcp.components.mesh.cluster.revision_args import DEFAULT_REVISION, injecting_revision

GRACE_SECONDS: Final = 60
"""Drain time for open streams; an idle gateway exits at once. The chart's default is 30."""

UNPRIVILEGED_PORTS: Final = {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}
"""Lets the gateway bind 80 and 443 without privileges. The chart drops this default once a security context is set."""

DEFAULT_SECCOMP: Final = {"type": "RuntimeDefault"}


class GatewayPods(NamedTuple):
    """Differences between gateways."""

    selector: dict[str, str]
    """Pod label: the release name without `istio-`."""

    size: Scale
    external: bool
    """True = a load balancer exposes the gateway outside the cluster."""

    network: str | None = None
    """Network of an east-west gateway, whose Service has ports 15021, 15443, 15012 and 15017 in place of 80 and 443.
    Source: chart `gateway`, `networkGateway`."""


def gateway_values(pods: GatewayPods, args: ServiceMeshArgs) -> Manifest:
    """Values of chart `gateway` (image: injected). `revision` is never a tag: a moved tag must replace the pods."""
    revision = injecting_revision(args)
    return {
        "global": {"networkPolicy": {"enabled": True}, **platform_values(args)},
        **({} if revision == DEFAULT_REVISION else {"revision": revision}),
        **service_values(pods, dual_stack=args.dual_stack),
        **({} if pods.network is None else {"networkGateway": pods.network}),
        "autoscaling": {"enabled": True, "minReplicas": pods.size.min_replicas, "maxReplicas": pods.size.max_replicas},
        "resources": resource_requests(pods.size),
        "podDisruptionBudget": {"maxUnavailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow"},
        "strategy": {"rollingUpdate": {"maxUnavailable": 0}},
        "topologySpreadConstraints": topology_spread(pods.selector),
        "priorityClassName": args.effective_priority_class,
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "env": {"EXIT_ON_ZERO_ACTIVE_CONNECTIONS": "true"},
        "securityContext": {"seccompProfile": dict(DEFAULT_SECCOMP), "sysctls": [dict(UNPRIVILEGED_PORTS)]},
    }


def service_values(pods: GatewayPods, *, dual_stack: bool) -> dict[str, Any]:
    """Type of the gateway's Service, LoadBalancer by default, its IP families and annotations."""
    kind = {} if pods.external else {"type": "ClusterIP"}
    annotations = pods.size.annotations if isinstance(pods.size, GatewayScale) else {}
    families = family_policy(dual_stack=dual_stack)
    service = {**kind, **families, **({"annotations": dict(annotations)} if annotations else {})}
    return {"service": service} if service else {}


def platform_values(args: ServiceMeshArgs) -> dict[str, Any]:
    """Chart value for the platform, if Istio's charts have a profile for it."""
    return {"platform": args.platform.value} if args.platform in ISTIO_PROFILES else {}


def resource_requests(size: Scale) -> Manifest:
    """Resource requests; limits are the charts' defaults (istiod none, the gateway 2 cores and 1 GiB)."""
    return {"requests": {"cpu": size.cpu, "memory": size.memory}}


def topology_spread(labels: dict[str, str]) -> list[Manifest]:
    """ScheduleAnyway spread of the pods across zones and nodes."""
    keys = ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    spread = {"maxSkew": 1, "whenUnsatisfiable": "ScheduleAnyway"}
    return [{"topologyKey": key, **spread, "labelSelector": {"matchLabels": dict(labels)}} for key in keys]
