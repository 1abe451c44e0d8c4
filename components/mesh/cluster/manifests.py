"""Objects of the mesh that no Helm chart renders, in two steps: before and after the charts."""

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.ambient.waypoint import waypoint_objects
from meshed_mcp.components.mesh.authorization.kubernetes_roles import role_manifests
from meshed_mcp.components.mesh.authorization.policy import default_deny, mutual_tls
from meshed_mcp.components.mesh.cluster.args import ROOT_NAMESPACE, ServiceMeshArgs
from meshed_mcp.components.mesh.cluster.existing import installs_mesh
from meshed_mcp.components.mesh.cluster.extensions import mesh_extensions
from meshed_mcp.components.mesh.cluster.gateway import ingress_gateways, namespace_manifests
from meshed_mcp.components.mesh.cluster.mode import MeshMode
from meshed_mcp.components.mesh.cluster.revisions import revision_tag_webhooks
from meshed_mcp.components.mesh.cluster.scrape_network_policy import (
    metrics_only_network_policy,
    scrape_network_policy,
)
from meshed_mcp.components.mesh.cluster.telemetry import mesh_telemetry
from meshed_mcp.components.mesh.egress.gateway import egress_routes
from meshed_mcp.components.mesh.egress.sidecar import registry_only
from meshed_mcp.components.mesh.multicluster import manifests as multicluster
from meshed_mcp.components.mesh.multicluster.args import Remote
from meshed_mcp.components.mesh.rate_limit.server import rate_limit_manifests
from meshed_mcp.components.mesh.service.manifests import is_read_by_control_plane


def mesh_manifests(args: ServiceMeshArgs) -> list[Manifest]:
    """All objects in the order of their registration."""
    return [*manifests_before_charts(args), *manifests_after_charts(args)]


def manifests_before_charts(args: ServiceMeshArgs) -> list[Manifest]:
    """Namespaces, and the intermediate CA that istiod reads at start."""
    return [
        *multicluster.with_network_labels(namespace_manifests(args), args),
        *multicluster.intermediate_certificates(args),
    ]


def scrape_network_policies(args: ServiceMeshArgs) -> list[Manifest]:
    """NetworkPolicies of the meshed namespaces; none without `monitoring_namespace` in a mesh."""
    if args.mode is MeshMode.NONE:
        return [metrics_only_network_policy(namespace, args.monitoring_namespace) for namespace in args.namespaces]
    monitoring = args.monitoring_namespace
    return [] if monitoring is None else [scrape_network_policy(namespace, monitoring) for namespace in args.namespaces]


def manifests_after_charts(args: ServiceMeshArgs) -> list[Manifest]:
    """Objects that need the CRDs and the admission webhook of the control plane, or those of a cluster without one."""
    if args.mode is MeshMode.NONE:
        return [*scrape_network_policies(args), *role_manifests(args)]
    return meshed_manifests(args)


def governed_namespaces(args: ServiceMeshArgs) -> list[str]:
    """Where mesh-wide policies are: the root namespace, or the stack's own namespaces in an existing mesh."""
    return [ROOT_NAMESPACE] if installs_mesh(args) else args.namespaces


def namespaces_of_existing_mesh(args: ServiceMeshArgs) -> list[str]:
    """Namespaces whose sidecars get the egress policy from a Sidecar, because the MeshConfig is not the stack's."""
    return [] if installs_mesh(args) or args.mode is MeshMode.AMBIENT else args.namespaces


def meshed_manifests(args: ServiceMeshArgs) -> list[Manifest]:
    """Objects of a cluster with a mesh.

    A remote cluster gets no Istio configuration: its control plane reads that of the primary cluster.
    """
    found = [
        *(mutual_tls(namespace) for namespace in governed_namespaces(args)),
        *(default_deny(namespace) for namespace in args.namespaces),
        *(registry_only(namespace, args.outbound) for namespace in namespaces_of_existing_mesh(args)),
        *scrape_network_policies(args),
        *ingress_gateways(args),
        *revision_tag_webhooks(args),
        *role_manifests(args),
        *egress_routes(args),
        *mesh_telemetry(args),
        *rate_limit_manifests(args),
        *(item for namespace in governed_namespaces(args) for item in mesh_extensions(args.extensions, namespace)),
        *(waypoint_objects(args) if args.mode is MeshMode.AMBIENT else []),
        *multicluster.multicluster_manifests(args),
    ]
    return [item for item in found if not (isinstance(args.multi_cluster, Remote) and is_read_by_control_plane(item))]
