"""Helm releases of the mesh: Gateway API CRDs, Istio's base, control plane, node agent and ingress gateway.

Arguments in, complete release specifications out, in the order in which they must be installed. Sizes are inputs, so
the values never depend on a stack's name. Not here: chart versions (core/charts.py), objects of our own (cluster.py).
Source of every value: `values.yaml` of the Istio 1.31 charts.
"""

from typing import Any, Final

from meshed_mcp.components.core.charts import GATEWAY_API_CRDS, Chart, ReleaseSpec
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster_args import (
    INGRESS_NAMESPACE,
    ROOT_NAMESPACE,
    GatewayApiSource,
    Redirection,
    Scale,
    ServiceMeshArgs,
)
from meshed_mcp.components.mesh.gateway import INGRESS_RELEASE, INGRESS_SELECTOR
from meshed_mcp.components.mesh.telemetry import TRACING_PROVIDER

DEFAULT_SECCOMP: Final = {"type": "RuntimeDefault"}

GATEWAY_GRACE_SECONDS: Final = 60
"""What an ending gateway pod leaves to open streams; idle, it exits at once. The chart's 30 end calls too early."""

UNPRIVILEGED_PORTS: Final = {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}
"""Lets the gateway bind 80 and 443 without privilege. Source: chart `gateway`, its own default, lost once a security
context is given."""


def releases(args: ServiceMeshArgs) -> list[ReleaseSpec]:
    """Every release, in order: CRDs, then the control plane, then what asks it for configuration."""
    crds = GATEWAY_API_CRDS.mirrored(args.chart_mirror)
    ours = {
        "istio-base": ("base", ROOT_NAMESPACE, base_values(args)),
        "istiod": ("istiod", ROOT_NAMESPACE, istiod_values(args)),
        "istio-cni": ("cni", ROOT_NAMESPACE, cni_values(args)),
        INGRESS_RELEASE: ("gateway", INGRESS_NAMESPACE, gateway_values(args)),
    }
    if args.redirection is not Redirection.CNI:
        del ours["istio-cni"]
    gateway_api = [ReleaseSpec(crds.name, ROOT_NAMESPACE, crds, {}, retained=True)]
    return [
        *(gateway_api if args.gateway_api is GatewayApiSource.RELEASE else []),
        *(
            ReleaseSpec(name, namespace, istio_chart(chart, args), merged(values, args.values.get(name, {})))
            for name, (chart, namespace, values) in ours.items()
        ),
    ]


def istio_chart(name: str, args: ServiceMeshArgs) -> Chart:
    """One of Istio's charts; its version is Istio's version."""
    return Chart(name, args.istio_version, args.chart_repository).mirrored(args.chart_mirror)


def base_values(args: ServiceMeshArgs) -> Manifest:
    """CRDs, and an admission webhook that refuses from the start: flipped later by istiod, it would read as drift."""
    return {"global": platform_values(args), "base": {"validationFailurePolicy": "Fail"}}


def istiod_values(args: ServiceMeshArgs) -> Manifest:
    """The control plane: several replicas on several nodes, and the configuration of the whole mesh."""
    return {
        "global": shared_values(args)
        | {
            "priorityClassName": args.priority_class or "",
            "proxy": {"clusterDomain": args.cluster_domain, "seccompProfile": dict(DEFAULT_SECCOMP)},
        },
        "base": {"validationFailurePolicy": "Fail"},
        "autoscaleMin": args.control_plane.min_replicas,
        "autoscaleMax": args.control_plane.max_replicas,
        "resources": requests(args.control_plane),
        "pdb": {"minAvailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow"},
        "topologySpreadConstraints": spread({"app": "istiod"}),
        "seccompProfile": dict(DEFAULT_SECCOMP),
        "cni": {"enabled": args.redirection is Redirection.CNI},
        "env": {"ENABLE_NATIVE_SIDECARS": "true"},
        "meshConfig": mesh_config(args),
    }


def mesh_config(args: ServiceMeshArgs) -> Manifest:
    """Mesh-wide settings: identities, where pods may connect to, access logs as JSON, and where spans go.

    Source: Istio, "Global Mesh Options".
    """
    tracing = args.tracing
    provider = tracing and {
        "name": TRACING_PROVIDER,
        "opentelemetry": {"service": tracing.service, "port": tracing.port},
    }
    return {
        "trustDomain": args.trust_domain,
        "outboundTrafficPolicy": {"mode": args.outbound.value},
        "accessLogFile": "/dev/stdout",
        "accessLogEncoding": "JSON",
        **({"extensionProviders": [provider], "enableTracing": True} if provider else {}),
    }


def cni_values(args: ServiceMeshArgs) -> Manifest:
    """The node agent that redirects traffic, so that no meshed pod needs NET_ADMIN."""
    return {"global": shared_values(args), "seccompProfile": dict(DEFAULT_SECCOMP)}


def gateway_values(args: ServiceMeshArgs) -> Manifest:
    """The ingress gateway's pods; the chart takes the image from the injection, so no hub is given."""
    size = args.gateway
    return {
        "global": {"networkPolicy": {"enabled": True}, **platform_values(args)},
        "autoscaling": {"enabled": True, "minReplicas": size.min_replicas, "maxReplicas": size.max_replicas},
        "resources": requests(size),
        "podDisruptionBudget": {"maxUnavailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow"},
        "strategy": {"rollingUpdate": {"maxUnavailable": 0}},
        "topologySpreadConstraints": spread(INGRESS_SELECTOR),
        "priorityClassName": args.priority_class or "",
        "terminationGracePeriodSeconds": GATEWAY_GRACE_SECONDS,
        "env": {"EXIT_ON_ZERO_ACTIVE_CONNECTIONS": "true"},
        "securityContext": {"seccompProfile": dict(DEFAULT_SECCOMP), "sysctls": [dict(UNPRIVILEGED_PORTS)]},
    }


def shared_values(args: ServiceMeshArgs) -> Manifest:
    """What control plane and node agent read alike: image source, JSON logs, network policies, the platform."""
    return {
        "hub": args.hub,
        "tag": args.istio_version,
        "logAsJson": True,
        "networkPolicy": {"enabled": True},
        **platform_values(args),
    }


def platform_values(args: ServiceMeshArgs) -> Manifest:
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


def merged(ours: Manifest, theirs: dict[str, Any]) -> Manifest:
    """Both, as Helm merges values files: mappings by key, everything else from `theirs`."""
    both = {
        key: merged(ours[key], value) if isinstance(ours.get(key), dict) and isinstance(value, dict) else value
        for key, value in theirs.items()
    }
    return ours | both
