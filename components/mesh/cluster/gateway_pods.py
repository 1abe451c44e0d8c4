"""Pods of a gateway, by Istio's chart: the same for the ingress, the egress and the east-west gateway.

A size, a label and what differs in, chart values out. Not here: what a gateway lets through (gateway.py), which
gateways there are (istio_releases.py).
"""

from typing import Any, Final, NamedTuple

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster.args import Scale, ServiceMeshArgs
from meshed_mcp.components.mesh.cluster.revision_args import UNNAMED, injecting_revision

GRACE_SECONDS: Final = 60
"""What an ending gateway pod leaves to open streams; idle, it exits at once. The chart's 30 end calls too early."""

UNPRIVILEGED_PORTS: Final = {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}
"""Lets the gateway bind 80 and 443 without privilege. Source: chart `gateway`, its own default, lost once a security
context is given."""

DEFAULT_SECCOMP: Final = {"type": "RuntimeDefault"}


class GatewayPods(NamedTuple):
    """What differs between gateways."""

    selector: dict[str, str]
    """Label of the pods: the release's name without `istio-`. Source: chart `gateway`, `gateway.selectorLabels`."""

    size: Scale
    outside: bool
    """True = reached from outside the cluster, by a load balancer."""

    network: str | None = None
    """Network of a gateway between clusters; it then serves 15021, 15443, 15012 and 15017 in place of 80 and 443.
    Source: chart `gateway`, `networkGateway`."""


def gateway_pods(pods: GatewayPods, args: ServiceMeshArgs) -> Manifest:
    """Values of the chart `gateway`; it takes the image from the injection, so no hub is given.

    The label names a revision, never a tag, so that the pods are replaced when a tag moves.
    """
    revision = injecting_revision(args)
    return {
        "global": {"networkPolicy": {"enabled": True}, **platform_values(args)},
        **({} if revision == UNNAMED else {"revision": revision}),
        **({} if pods.outside else {"service": {"type": "ClusterIP"}}),
        **({} if pods.network is None else {"networkGateway": pods.network}),
        "autoscaling": {
            "enabled": True,
            "minReplicas": pods.size.min_replicas,
            "maxReplicas": pods.size.max_replicas,
        },
        "resources": requests(pods.size),
        "podDisruptionBudget": {"maxUnavailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow"},
        "strategy": {"rollingUpdate": {"maxUnavailable": 0}},
        "topologySpreadConstraints": spread(pods.selector),
        "priorityClassName": args.priority_class or "",
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "env": {"EXIT_ON_ZERO_ACTIVE_CONNECTIONS": "true"},
        "securityContext": {"seccompProfile": dict(DEFAULT_SECCOMP), "sysctls": [dict(UNPRIVILEGED_PORTS)]},
    }


def platform_values(args: ServiceMeshArgs) -> dict[str, Any]:
    """The Kubernetes distribution, where the charts carry own settings for it."""
    return {} if args.platform is None else {"platform": args.platform.value}


def requests(size: Scale) -> Manifest:
    """What the scheduler reserves; limits are the charts' own (istiod none, the gateway 2 cores and 1 GiB)."""
    return {"requests": {"cpu": size.cpu, "memory": size.memory}}


def spread(labels: dict[str, str]) -> list[Manifest]:
    """Pods of one part on different zones and nodes, as far as there are some."""
    return [
        {
            "topologyKey": key,
            "maxSkew": 1,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": dict(labels)},
        }
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]
