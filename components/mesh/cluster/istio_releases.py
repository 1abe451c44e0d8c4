"""Helm releases of the mesh and their values: Gateway API CRDs, base, istiod, istio-cni, ztunnel, gateways.

Source of every value: `values.yaml` of the Istio 1.31 charts.
"""

from typing import Any, Final

from meshed_mcp.components.core.charts import GATEWAY_API_CRDS, Chart, ReleaseSpec
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.ambient.values import (
    ZTUNNEL_RELEASE,
    default_retries,
    profile_values,
    ztunnel_values,
)
from meshed_mcp.components.mesh.authorization.external import authorizer_providers
from meshed_mcp.components.mesh.authorization.tokens import KEY_FETCH_GUARD
from meshed_mcp.components.mesh.cluster.access_log import access_log_provider
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
    gateway_values,
    platform_values,
    resource_requests,
    topology_spread,
)
from meshed_mcp.components.mesh.cluster.mode import MeshMode
from meshed_mcp.components.mesh.cluster.revision_args import (
    DEFAULT_REVISION,
    REVISION_LABEL,
    injecting_revision,
    version_key,
    versions_by_revision,
)
from meshed_mcp.components.mesh.cluster.revisions import control_plane_name
from meshed_mcp.components.mesh.cluster.telemetry_args import TRACING_PROVIDER
from meshed_mcp.components.mesh.multicluster.manifests import (
    EAST_WEST_RELEASE,
    EAST_WEST_SELECTOR,
    multicluster_base_values,
    multicluster_istiod_values,
)
from meshed_mcp.components.mesh.rate_limit import local, shared
from meshed_mcp.components.mesh.service.proxy_size import size_values

CONNECTION_STATS: Final = (
    r"cluster\.outbound\|.*\.upstream_rq_(retry|pending)[a-z_]*",
    r"cluster\.outbound\|.*\.circuit_breakers\.default\.[a-z_]+_open",
    rf"{local.STAT_PREFIX}\.http_local_rate_limit\.[a-z_]+",
    rf"cluster\.inbound\|.*\.ratelimit\.{shared.STAT_PREFIX}\.[a-z_]+",
)
"""Envoy statistics that Istio's proxies omit by default: retries, pending requests, open circuit breakers, rate limits.

They match Envoy's names, before the prefix `envoy_`.
Source: Istio, ProxyConfig `proxyStatsMatcher`; Envoy, "Cluster manager statistics".
"""


def istio_releases(args: ServiceMeshArgs) -> list[ReleaseSpec]:
    """Every release in the order of installation: CRDs, control planes, node agents, gateways."""
    crds = GATEWAY_API_CRDS.mirrored(args.chart_mirror)
    gateway_api = [ReleaseSpec(crds.name, ROOT_NAMESPACE, crds, {}, retained=True)]
    return [
        *(gateway_api if args.gateway_api is GatewayApiSource.RELEASE else []),
        _release(
            "istio-base", ROOT_NAMESPACE, istio_chart("base", args, newest_version(args)), base_values(args), args
        ),
        *(_control_plane(revision, version, args) for revision, version in versions_by_revision(args).items()),
        *_cni_release(args),
        *_ztunnel_release(args),
        *(
            _release(
                name, namespace, istio_chart("gateway", args, injecting_version(args)), gateway_values(pods, args), args
            )
            for name, (namespace, pods) in gateways(args).items()
        ),
    ]


def gateways(args: ServiceMeshArgs) -> dict[str, tuple[str, GatewayPods]]:
    """Release -> namespace and pods of every gateway."""
    ingress = GatewayPods(INGRESS_SELECTOR, args.gateway, external=True)
    found = {INGRESS_RELEASE: (INGRESS_NAMESPACE, ingress)}
    if args.egress_gateway is not None:
        egress = GatewayPods(EGRESS_SELECTOR, args.egress_gateway, external=False)
        found[EGRESS_RELEASE] = (EGRESS_NAMESPACE, egress)
    if args.multi_cluster is not None:
        between = GatewayPods(
            EAST_WEST_SELECTOR, args.east_west_gateway, external=True, network=args.multi_cluster.network
        )
        found[EAST_WEST_RELEASE] = (ROOT_NAMESPACE, between)
    return found


def _control_plane(revision: str, version: str, args: ServiceMeshArgs) -> ReleaseSpec:
    values = istiod_values(args, revision, version)
    release = _release("istiod", ROOT_NAMESPACE, istio_chart("istiod", args, version), values, args)
    return release._replace(name=control_plane_name(revision))


def _cni_release(args: ServiceMeshArgs) -> list[ReleaseSpec]:
    """One for all revisions: it supports adjacent minor versions. Source: Istio, "Install the Istio CNI node agent"."""
    if args.traffic_capture is not TrafficCapture.CNI:
        return []
    return [_release("istio-cni", ROOT_NAMESPACE, istio_chart("cni", args, args.istio_version), cni_values(args), args)]


def _ztunnel_release(args: ServiceMeshArgs) -> list[ReleaseSpec]:
    """In ambient mode, after istio-cni, which redirects traffic to ztunnel."""
    if args.mode is not MeshMode.AMBIENT:
        return []
    chart = istio_chart("ztunnel", args, args.istio_version)
    return [_release(ZTUNNEL_RELEASE, ROOT_NAMESPACE, chart, ztunnel_values(args), args)]


def _release(name: str, namespace: str, chart: Chart, values: Manifest, args: ServiceMeshArgs) -> ReleaseSpec:
    rendered = merge_values(values, value_overlay(name, args))
    return ReleaseSpec(name, namespace, chart, merge_values(rendered, args.values.get(name, {})))


def value_overlay(chart: str, args: ServiceMeshArgs) -> Manifest:
    """Values that ambient mode and multi-cluster membership merge over those of a release."""
    match chart:
        case "istio-base":
            return profile_values(args) | multicluster_base_values(args)
        case "istio-cni":
            return profile_values(args)
        case "istiod":
            retries = default_retries(args)
            mesh_config = {"meshConfig": retries} if retries else {}
            return {**profile_values(args), **mesh_config, **multicluster_istiod_values(args)}
        case _:
            return {}


def injecting_version(args: ServiceMeshArgs) -> str:
    """Istio version of gateways and sidecars."""
    return versions_by_revision(args)[injecting_revision(args)]


def newest_version(args: ServiceMeshArgs) -> str:
    """Newest control plane version: CRDs are upgraded first. Source: Istio, "Canary Upgrades", base chart."""
    return max(versions_by_revision(args).values(), key=version_key)


def istio_chart(name: str, args: ServiceMeshArgs, version: str) -> Chart:
    """A chart of Istio, from the mirror if one is set."""
    return Chart(name, version, args.chart_repository).mirrored(args.chart_mirror)


def base_values(args: ServiceMeshArgs) -> Manifest:
    """CRDs, and an admission webhook of the injecting revision.

    The webhook fails closed from the start: istiod would change it later, which reads as drift.
    """
    return {
        "global": platform_values(args),
        "base": {"validationFailurePolicy": "Fail"},
        "defaultRevision": injecting_revision(args),
    }


def istiod_values(args: ServiceMeshArgs, revision: str = DEFAULT_REVISION, version: str | None = None) -> Manifest:
    """Values of the chart `istiod`, with the mesh configuration."""
    return {
        **({} if revision == DEFAULT_REVISION else {"revision": revision}),
        "global": common_values(args, version or args.istio_version)
        | {"priorityClassName": args.priority_class or "", "proxy": proxy_values(args)},
        "base": {"validationFailurePolicy": "Fail"},
        "autoscaleMin": args.control_plane.min_replicas,
        "autoscaleMax": args.control_plane.max_replicas,
        "resources": resource_requests(args.control_plane),
        "pdb": {"minAvailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow"},
        "topologySpreadConstraints": topology_spread({"app": "istiod", REVISION_LABEL: revision}),
        "seccompProfile": dict(DEFAULT_SECCOMP),
        "cni": {"enabled": args.traffic_capture is TrafficCapture.CNI},
        "env": {"ENABLE_NATIVE_SIDECARS": "true", **KEY_FETCH_GUARD},
        "meshConfig": mesh_config(args),
    }


def mesh_config(args: ServiceMeshArgs) -> Manifest:
    """MeshConfig: trust domain, egress policy, proxy defaults, extension providers.

    Source: Istio, "Global Mesh Options".
    """
    tracing = args.tracing
    provider = tracing and {
        "name": TRACING_PROVIDER,
        "opentelemetry": {"service": tracing.service, "port": tracing.port},
    }
    providers = [access_log_provider(), *([provider] if provider else []), *authorizer_providers(args)]
    return {
        "trustDomain": args.trust_domain,
        "outboundTrafficPolicy": {"mode": args.outbound.value},
        "defaultConfig": proxy_config(),
        "extensionProviders": providers,
        **({"enableTracing": True} if tracing else {}),
    }


def proxy_config() -> Manifest:
    """Defaults of every sidecar: DNS proxying, and statistics of its connections.

    DNS proxying selects the right rule for external hosts that share an address, and saves lookups in the cluster's
    DNS. Source: Istio, "DNS Proxying", ProxyConfig `proxyMetadata`.
    """
    return {
        "proxyMetadata": {"ISTIO_META_DNS_CAPTURE": "true"},
        "proxyStatsMatcher": {"inclusionRegexps": list(CONNECTION_STATS)},
    }


def cni_values(args: ServiceMeshArgs) -> Manifest:
    """Values of the chart `cni`."""
    return {"global": common_values(args, args.istio_version), "seccompProfile": dict(DEFAULT_SECCOMP)}


def proxy_values(args: ServiceMeshArgs) -> Manifest:
    """Defaults of sidecars, which pod annotations override."""
    return {
        "clusterDomain": args.cluster_domain,
        "resources": size_values(args.proxy),
        "seccompProfile": dict(DEFAULT_SECCOMP),
    }


def common_values(args: ServiceMeshArgs, version: str) -> Manifest:
    """`global` values of istiod and istio-cni: image source, JSON logs, network policies, platform."""
    return {
        "hub": args.hub,
        "tag": version,
        "logAsJson": True,
        "networkPolicy": {"enabled": True},
        **platform_values(args),
    }


def merge_values(base: Manifest, overrides: dict[str, Any]) -> Manifest:
    """Merge as Helm merges values files: mappings by key, other values from `overrides`."""
    return base | {
        key: merge_values(base[key], value) if isinstance(base.get(key), dict) and isinstance(value, dict) else value
        for key, value in overrides.items()
    }
