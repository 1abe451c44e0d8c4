"""Objects of the mesh that no Helm chart renders, in two steps: before and after the charts."""

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.ambient.waypoint import waypoint_objects
from meshed_mcp.components.mesh.authorization.kubernetes_roles import role_manifests
from meshed_mcp.components.mesh.authorization.policy import default_deny, mutual_tls
from meshed_mcp.components.mesh.cluster.args import ServiceMeshArgs
from meshed_mcp.components.mesh.cluster.extensions import mesh_extensions
from meshed_mcp.components.mesh.cluster.gateway import ingress_gateway, namespace_manifests
from meshed_mcp.components.mesh.cluster.mode import MeshMode
from meshed_mcp.components.mesh.cluster.revisions import revision_tag_webhooks
from meshed_mcp.components.mesh.cluster.scrape_network_policy import scrape_network_policy
from meshed_mcp.components.mesh.cluster.telemetry import mesh_telemetry
from meshed_mcp.components.mesh.egress.gateway import egress_routes
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
    """NetworkPolicies of the meshed namespaces; none without `monitoring_namespace`."""
    monitoring = args.monitoring_namespace
    return [] if monitoring is None else [scrape_network_policy(namespace, monitoring) for namespace in args.namespaces]


def manifests_after_charts(args: ServiceMeshArgs) -> list[Manifest]:
    """Objects that need the CRDs and the admission webhook of the control plane.

    A remote cluster gets no Istio configuration: its control plane reads that of the primary cluster.
    """
    found = [
        mutual_tls(),
        *(default_deny(namespace) for namespace in args.namespaces),
        *scrape_network_policies(args),
        ingress_gateway(args),
        *revision_tag_webhooks(args),
        *role_manifests(args),
        *egress_routes(args),
        *mesh_telemetry(args),
        *rate_limit_manifests(args),
        *mesh_extensions(args.extensions),
        *(waypoint_objects(args) if args.mode is MeshMode.AMBIENT else []),
        *multicluster.multicluster_manifests(args),
    ]
    return [item for item in found if not (isinstance(args.multi_cluster, Remote) and is_read_by_control_plane(item))]
