"""Helm releases of the mesh: Gateway API CRDs, Istio's base, control planes, node agent and gateways.

Arguments in, complete release specifications out, in the order in which they must be installed. Sizes are inputs, so
the values never depend on a stack's name. Not here: chart versions (core/charts.py), objects of our own (manifests.py),
a gateway's values (gateway_pods.py).
Source of every value: `values.yaml` of the Istio 1.31 charts.
"""

from typing import Any, Final

from meshed_mcp.components.core.charts import GATEWAY_API_CRDS, Chart, ReleaseSpec
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.ambient.values import ZTUNNEL_RELEASE, ztunnel_values
from meshed_mcp.components.mesh.authorization.external import authorizer_providers
from meshed_mcp.components.mesh.authorization.tokens import KEY_FETCH_GUARD
from meshed_mcp.components.mesh.cluster import access_log
from meshed_mcp.components.mesh.cluster.args import (
    EGRESS_NAMESPACE,
    INGRESS_NAMESPACE,
    ROOT_NAMESPACE,
    GatewayApiSource,
    ServiceMeshArgs,
    TrafficCapture,
)
from meshed_mcp.components.mesh.cluster.gateway import (
    EGRESS_RELEASE,
    EGRESS_SELECTOR,
    INGRESS_RELEASE,
    INGRESS_SELECTOR,
)
from meshed_mcp.components.mesh.cluster.gateway_pods import (
    DEFAULT_SECCOMP,
    GatewayPods,
    gateway_pods,
    platform_values,
    requests,
    spread,
)
from meshed_mcp.components.mesh.cluster.mode import MeshMode
from meshed_mcp.components.mesh.cluster.revision_args import (
    REVISION_LABEL,
    UNNAMED,
    injecting_revision,
    version_order,
    versions_by_revision,
)
from meshed_mcp.components.mesh.cluster.revisions import control_plane_name
from meshed_mcp.components.mesh.cluster.telemetry_args import TRACING_PROVIDER
from meshed_mcp.components.mesh.cluster.value_overlays import value_overlay
from meshed_mcp.components.mesh.multicluster.manifests import EAST_WEST_RELEASE, EAST_WEST_SELECTOR
from meshed_mcp.components.mesh.rate_limit import local, shared
from meshed_mcp.components.mesh.service.proxy_size import size_values

METRICS_OF_CONNECTIONS: Final = (
    r"cluster\.outbound\|.*\.upstream_rq_(retry|pending)[a-z_]*",
    r"cluster\.outbound\|.*\.circuit_breakers\.default\.[a-z_]+_open",
    rf"{local.STAT_PREFIX}\.http_local_rate_limit\.[a-z_]+",
    rf"cluster\.inbound\|.*\.ratelimit\.{shared.STAT_PREFIX}\.[a-z_]+",
)
"""Envoy's statistics of retries, of waiting requests and of open breakers towards other services, and of requests over
a limit; Istio's proxies report none of them unless asked. Full names, as Envoy's own in front of `envoy_cluster_...`.

Source: Istio, ProxyConfig `proxyStatsMatcher`; Envoy, "Cluster manager statistics".
"""


def releases(args: ServiceMeshArgs) -> list[ReleaseSpec]:
    """Every release, in order: CRDs, then the control plane, then what asks it for configuration."""
    crds = GATEWAY_API_CRDS.mirrored(args.chart_mirror)
    gateway_api = [ReleaseSpec(crds.name, ROOT_NAMESPACE, crds, {}, retained=True)]
    return [
        *(gateway_api if args.gateway_api is GatewayApiSource.RELEASE else []),
        _release(
            "istio-base", ROOT_NAMESPACE, istio_chart("base", args, newest_version(args)), base_values(args), args
        ),
        *(_control_plane(revision, version, args) for revision, version in versions_by_revision(args).items()),
        *_node_agent(args),
        *_node_proxy(args),
        *(
            _release(
                name, namespace, istio_chart("gateway", args, injecting_version(args)), gateway_pods(pods, args), args
            )
            for name, (namespace, pods) in gateways(args).items()
        ),
    ]


def gateways(args: ServiceMeshArgs) -> dict[str, tuple[str, GatewayPods]]:
    """Namespace and pods of every gateway, by release."""
    ingress = GatewayPods(INGRESS_SELECTOR, args.gateway, outside=True)
    found = {INGRESS_RELEASE: (INGRESS_NAMESPACE, ingress)}
    if args.egress_gateway is not None:
        egress = GatewayPods(EGRESS_SELECTOR, args.egress_gateway, outside=False)
        found[EGRESS_RELEASE] = (EGRESS_NAMESPACE, egress)
    if args.multi_cluster is not None:
        between = GatewayPods(
            EAST_WEST_SELECTOR, args.east_west_gateway, outside=True, network=args.multi_cluster.network
        )
        found[EAST_WEST_RELEASE] = (ROOT_NAMESPACE, between)
    return found


def _control_plane(revision: str, version: str, args: ServiceMeshArgs) -> ReleaseSpec:
    chart, name = istio_chart("istiod", args, version), control_plane_name(revision)
    ours = merged(istiod_values(args, revision, version), value_overlay("istiod", args))
    values = merged(ours, args.values.get("istiod", {}))
    return ReleaseSpec(name, ROOT_NAMESPACE, chart, values)


def _node_agent(args: ServiceMeshArgs) -> list[ReleaseSpec]:
    """One for all revisions: it works with control planes of the minor versions next to its own.

    Source: Istio, "Install the Istio CNI node agent", upgrades.
    """
    if args.traffic_capture is not TrafficCapture.CNI:
        return []
    return [_release("istio-cni", ROOT_NAMESPACE, istio_chart("cni", args, args.istio_version), cni_values(args), args)]


def _node_proxy(args: ServiceMeshArgs) -> list[ReleaseSpec]:
    """ztunnel, where pods have no sidecars; after the node agent, which leads the traffic to it."""
    if args.mode is not MeshMode.AMBIENT:
        return []
    chart = istio_chart("ztunnel", args, args.istio_version)
    return [_release(ZTUNNEL_RELEASE, ROOT_NAMESPACE, chart, ztunnel_values(args), args)]


def _release(name: str, namespace: str, chart: Chart, values: Manifest, args: ServiceMeshArgs) -> ReleaseSpec:
    ours = merged(values, value_overlay(name, args))
    return ReleaseSpec(name, namespace, chart, merged(ours, args.values.get(name, {})))


def injecting_version(args: ServiceMeshArgs) -> str:
    """The version that gateways and sidecars have."""
    return versions_by_revision(args)[injecting_revision(args)]


def newest_version(args: ServiceMeshArgs) -> str:
    """The version whose CRDs serve all control planes: they are upgraded first and know the older ones' fields.

    Source: Istio, "Canary Upgrades", base chart.
    """
    return max(versions_by_revision(args).values(), key=version_order)


def istio_chart(name: str, args: ServiceMeshArgs, version: str) -> Chart:
    """One of Istio's charts; its version is Istio's version."""
    return Chart(name, version, args.chart_repository).mirrored(args.chart_mirror)


def base_values(args: ServiceMeshArgs) -> Manifest:
    """CRDs, and an admission webhook that refuses from the start: flipped later by istiod, it would read as drift.

    What the webhook asks is the control plane that injects.
    """
    return {
        "global": platform_values(args),
        "base": {"validationFailurePolicy": "Fail"},
        "defaultRevision": injecting_revision(args),
    }


def istiod_values(args: ServiceMeshArgs, revision: str = UNNAMED, version: str | None = None) -> Manifest:
    """One control plane: several replicas on several nodes, and the configuration of the whole mesh."""
    return {
        **({} if revision == UNNAMED else {"revision": revision}),
        "global": shared_values(args, version or args.istio_version)
        | {"priorityClassName": args.priority_class or "", "proxy": proxy_values(args)},
        "base": {"validationFailurePolicy": "Fail"},
        "autoscaleMin": args.control_plane.min_replicas,
        "autoscaleMax": args.control_plane.max_replicas,
        "resources": requests(args.control_plane),
        "pdb": {"minAvailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow"},
        "topologySpreadConstraints": spread({"app": "istiod", REVISION_LABEL: revision}),
        "seccompProfile": dict(DEFAULT_SECCOMP),
        "cni": {"enabled": args.traffic_capture is TrafficCapture.CNI},
        "env": {"ENABLE_NATIVE_SIDECARS": "true", **KEY_FETCH_GUARD},
        "meshConfig": mesh_config(args),
    }


def mesh_config(args: ServiceMeshArgs) -> Manifest:
    """Mesh-wide settings: identities, where pods may connect to, and where access logs and spans go.

    Source: Istio, "Global Mesh Options".
    """
    tracing = args.tracing
    provider = tracing and {
        "name": TRACING_PROVIDER,
        "opentelemetry": {"service": tracing.service, "port": tracing.port},
    }
    providers = [access_log.provider(), *([provider] if provider else []), *authorizer_providers(args)]
    return {
        "trustDomain": args.trust_domain,
        "outboundTrafficPolicy": {"mode": args.outbound.value},
        "defaultConfig": proxy_config(),
        "extensionProviders": providers,
        **({"enableTracing": True} if tracing else {}),
    }


def proxy_config() -> Manifest:
    """What every sidecar is started with: it answers DNS itself, and reports the statistics of its connections.

    DNS at the sidecar: names of hosts outside reach the right rule although several share an address, and a lookup
    costs no way to the cluster's DNS. Source: Istio, "DNS Proxying", ProxyConfig `proxyMetadata`.
    """
    return {
        "proxyMetadata": {"ISTIO_META_DNS_CAPTURE": "true"},
        "proxyStatsMatcher": {"inclusionRegexps": list(METRICS_OF_CONNECTIONS)},
    }


def cni_values(args: ServiceMeshArgs) -> Manifest:
    """The node agent that redirects traffic, so that no meshed pod needs NET_ADMIN."""
    return {"global": shared_values(args, args.istio_version), "seccompProfile": dict(DEFAULT_SECCOMP)}


def proxy_values(args: ServiceMeshArgs) -> Manifest:
    """Sidecars of pods whose annotations do not say more."""
    return {
        "clusterDomain": args.cluster_domain,
        "resources": size_values(args.proxy),
        "seccompProfile": dict(DEFAULT_SECCOMP),
    }


def shared_values(args: ServiceMeshArgs, version: str) -> Manifest:
    """What control plane and node agent read alike: image source, JSON logs, network policies, the platform."""
    return {
        "hub": args.hub,
        "tag": version,
        "logAsJson": True,
        "networkPolicy": {"enabled": True},
        **platform_values(args),
    }


def merged(ours: Manifest, theirs: dict[str, Any]) -> Manifest:
    """Both, as Helm merges values files: mappings by key, everything else from `theirs`."""
    both = {
        key: merged(ours[key], value) if isinstance(ours.get(key), dict) and isinstance(value, dict) else value
        for key, value in theirs.items()
    }
    return ours | both
