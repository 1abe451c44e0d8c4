"""Helm releases of the mesh and their values. Source of every value: `values.yaml` of the Istio 1.31 charts."""

from typing import Any

from meshed_mcp.components.core.charts import GATEWAY_API_CRDS, Chart, ChartInstall, ReleaseSpec
from meshed_mcp.components.core.ip_families import family_policy
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.core.platform import SYSTEM_NAMESPACE, ClusterPlatform
from meshed_mcp.components.mesh.ambient.waypoint import ZTUNNEL_RELEASE, default_retries, profile_values, ztunnel_values
from meshed_mcp.components.mesh.authorization.external import authorizer_providers
from meshed_mcp.components.mesh.authorization.tokens import KEY_FETCH_GUARD
from meshed_mcp.components.mesh.cluster import gateway_pods, revision_args
from meshed_mcp.components.mesh.cluster.access_log import access_log_provider
from meshed_mcp.components.mesh.cluster.args import EGRESS_NAMESPACE, ROOT_NAMESPACE, ServiceMeshArgs, TrafficCapture
from meshed_mcp.components.mesh.cluster.existing import installs_ingress, installs_mesh
from meshed_mcp.components.mesh.cluster.gateway import EGRESS_RELEASE, EGRESS_SELECTOR
from meshed_mcp.components.mesh.cluster.gateway_args import INGRESS_NAMESPACE, INGRESS_RELEASE, INGRESS_SELECTOR
from meshed_mcp.components.mesh.cluster.key_fetch import key_fetch_values
from meshed_mcp.components.mesh.cluster.mode import MeshMode
from meshed_mcp.components.mesh.cluster.proxy_config import dual_stack_variable, proxy_config
from meshed_mcp.components.mesh.cluster.revisions import control_plane_name
from meshed_mcp.components.mesh.cluster.telemetry_args import TRACING_PROVIDER
from meshed_mcp.components.mesh.multicluster import manifests as multicluster
from meshed_mcp.components.mesh.service.proxy_size import size_values


def istio_releases(args: ServiceMeshArgs) -> list[ReleaseSpec]:
    """Every release in the order of installation: CRDs, control planes, node agents, gateways."""
    crds = GATEWAY_API_CRDS.mirrored(args.chart_mirror)
    gateway_api = [ReleaseSpec(crds.name, args.root_namespace, crds, {}, retained=True)]
    wanted = args.gateway_api or (ChartInstall.COMPONENT if installs_mesh(args) else ChartInstall.EXISTING)
    control_plane = control_plane_releases(args) if installs_mesh(args) else []
    return [
        *(gateway_api if wanted is ChartInstall.COMPONENT else []),
        *control_plane,
        *gateway_releases(args),
    ]


def control_plane_releases(args: ServiceMeshArgs) -> list[ReleaseSpec]:
    """CRDs, control planes and node agents.

    The base chart has the newest version, because CRDs are upgraded first. istio-cni supports adjacent minor versions,
    so one serves all revisions. Source: Istio, "Canary Upgrades" and "Install the Istio CNI node agent".
    """
    versions = revision_args.versions_by_revision(args)
    newest = max(versions.values(), key=revision_args.version_key)
    releases = [_release("istio-base", "base", newest, base_values(args), args)]
    for revision, version in versions.items():
        istiod = _release("istiod", "istiod", version, istiod_values(args, revision, version), args)
        releases.append(istiod._replace(name=control_plane_name(revision)))
    if args.traffic_capture is TrafficCapture.CNI:
        cni = {"global": common_values(args, args.istio_version), "seccompProfile": dict(gateway_pods.DEFAULT_SECCOMP)}
        agent = _release("istio-cni", "cni", args.istio_version, cni, args)
        releases.append(agent._replace(namespace=agent_namespace(args)))
    if args.mode is MeshMode.AMBIENT:
        tunnel = _release(ZTUNNEL_RELEASE, "ztunnel", args.istio_version, ztunnel_values(args), args)
        releases.append(tunnel._replace(namespace=agent_namespace(args)))
    return releases


def gateway_releases(args: ServiceMeshArgs) -> list[ReleaseSpec]:
    """The gateways that the program installs, in the version of the control plane that injects them."""
    version = revision_args.versions_by_revision(args)[revision_args.injecting_revision(args)]
    return [
        _release(name, "gateway", version, gateway_pods.gateway_values(pods, args), args)._replace(namespace=namespace)
        for name, (namespace, pods) in gateways(args).items()
    ]


def agent_namespace(args: ServiceMeshArgs) -> str:
    """Namespace of the node agents: OpenShift runs privileged pods in kube-system, and istiod trusts ztunnel there.

    Source: Istio charts, profile `platform-openshift`, `trustedZtunnelNamespace`.
    """
    return SYSTEM_NAMESPACE if args.platform is ClusterPlatform.OPENSHIFT else ROOT_NAMESPACE


def gateways(args: ServiceMeshArgs) -> dict[str, tuple[str, gateway_pods.GatewayPods]]:
    """Release -> namespace and pods of every gateway."""
    ingress = gateway_pods.GatewayPods(INGRESS_SELECTOR, args.gateway, external=True)
    found = {INGRESS_RELEASE: (INGRESS_NAMESPACE, ingress)} if installs_ingress(args) else {}
    if args.egress_gateway is not None:
        egress = gateway_pods.GatewayPods(EGRESS_SELECTOR, args.egress_gateway, external=False)
        found[EGRESS_RELEASE] = (EGRESS_NAMESPACE, egress)
    if args.multi_cluster is not None:
        between = gateway_pods.GatewayPods(
            multicluster.EAST_WEST_SELECTOR, args.east_west_gateway, external=True, network=args.multi_cluster.network
        )
        found[multicluster.EAST_WEST_RELEASE] = (ROOT_NAMESPACE, between)
    return found


def _release(name: str, chart: str, version: str, values: Manifest, args: ServiceMeshArgs) -> ReleaseSpec:
    rendered = merge_values(values, value_overlay(name, args))
    source = Chart(chart, version, args.chart_repository).mirrored(args.chart_mirror)
    return ReleaseSpec(name, ROOT_NAMESPACE, source, merge_values(rendered, args.values.get(name, {})))


def value_overlay(release: str, args: ServiceMeshArgs) -> Manifest:
    """Values that ambient mode and multi-cluster membership merge over those of a release."""
    match release:
        case "istio-base":
            return profile_values(args) | multicluster.multicluster_base_values(args)
        case "istio-cni":
            return profile_values(args)
        case "istiod":
            retries = default_retries(args)
            mesh_config = {"meshConfig": retries} if retries else {}
            return {**profile_values(args), **mesh_config, **multicluster.multicluster_istiod_values(args)}
        case _:
            return {}


def base_values(args: ServiceMeshArgs) -> Manifest:
    """CRDs, and a webhook that fails closed from the start: istiod would change it later, which reads as drift."""
    return {
        "global": gateway_pods.platform_values(args),
        "base": {"validationFailurePolicy": "Fail"},
        "defaultRevision": revision_args.injecting_revision(args),
    }


def istiod_values(
    args: ServiceMeshArgs, revision: str = revision_args.DEFAULT_REVISION, version: str | None = None
) -> Manifest:
    """Values of the chart `istiod`, with defaults of sidecars and the mesh configuration."""
    resources, seccomp = size_values(args.proxy), dict(gateway_pods.DEFAULT_SECCOMP)
    fetch = key_fetch_values(args)
    proxy = {"clusterDomain": args.cluster_domain, "resources": resources, "seccompProfile": seccomp}
    return {
        **({} if revision == revision_args.DEFAULT_REVISION else {"revision": revision}),
        "global": common_values(args, version or args.istio_version)
        | {"priorityClassName": args.effective_priority_class, "proxy": proxy},
        "base": {"validationFailurePolicy": "Fail"},
        "autoscaleMin": args.control_plane.min_replicas,
        "autoscaleMax": args.control_plane.max_replicas,
        "resources": gateway_pods.resource_requests(args.control_plane),
        "pdb": {"minAvailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow"},
        "topologySpreadConstraints": gateway_pods.topology_spread(
            {"app": "istiod", revision_args.REVISION_LABEL: revision}
        ),
        "seccompProfile": dict(gateway_pods.DEFAULT_SECCOMP),
        "cni": {"enabled": args.traffic_capture is TrafficCapture.CNI},
        **family_policy(dual_stack=args.dual_stack),
        **fetch,
        "env": {
            "ENABLE_NATIVE_SIDECARS": "true",
            **KEY_FETCH_GUARD,
            **dual_stack_variable(dual_stack=args.dual_stack),
            **fetch.get("env", {}),
        },
        "meshConfig": mesh_config(args),
    }


def mesh_config(args: ServiceMeshArgs) -> Manifest:
    """MeshConfig: trust domain, egress policy, proxy defaults, extension providers."""
    providers, tracing = [access_log_provider()], args.tracing
    if tracing is not None:
        collector = {"service": tracing.service, "port": tracing.port}
        providers.append({"name": TRACING_PROVIDER, "opentelemetry": collector})
    return {
        "trustDomain": args.trust_domain,
        "outboundTrafficPolicy": {"mode": args.outbound.value},
        "defaultConfig": proxy_config(dual_stack=args.dual_stack),
        "extensionProviders": [*providers, *authorizer_providers(args)],
        **({"enableTracing": True} if tracing else {}),
    }


def common_values(args: ServiceMeshArgs, version: str) -> Manifest:
    """`global` values of istiod and istio-cni: image source, JSON logs, network policies, platform."""
    common = {"hub": args.hub, "tag": version, "logAsJson": True, "networkPolicy": {"enabled": True}}
    return common | gateway_pods.platform_values(args)


def merge_values(base: Manifest, overrides: dict[str, Any]) -> Manifest:
    """Merge as Helm merges values files: mappings by key, other values from `overrides`."""
    return base | {
        key: merge_values(base[key], value) if isinstance(base.get(key), dict) and isinstance(value, dict) else value
        for key, value in overrides.items()
    }
