"""All objects of the mesh of one cluster that are not in a Helm chart, in two steps: before and after the charts.

Arguments in, objects out. Not here: the charts (istio_releases.py), one service (mesh/service/manifests.py), their
registration (component.py).
"""

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.ambient.waypoint import waypoint_objects
from meshed_mcp.components.mesh.authorization.kubernetes_roles import access_roles
from meshed_mcp.components.mesh.authorization.policy import default_deny, mutual_tls
from meshed_mcp.components.mesh.cluster.args import ServiceMeshArgs
from meshed_mcp.components.mesh.cluster.extensions import mesh_extensions
from meshed_mcp.components.mesh.cluster.gateway import gateway, namespaces
from meshed_mcp.components.mesh.cluster.mode import MeshMode
from meshed_mcp.components.mesh.cluster.revisions import revision_tags
from meshed_mcp.components.mesh.cluster.scrape_network_policy import scrape_policy
from meshed_mcp.components.mesh.cluster.telemetry import mesh_telemetry
from meshed_mcp.components.mesh.egress.gateway import egress_routes
from meshed_mcp.components.mesh.multicluster.args import Remote
from meshed_mcp.components.mesh.multicluster.manifests import in_network, joins, shared_root
from meshed_mcp.components.mesh.rate_limit import server
from meshed_mcp.components.mesh.service.manifests import is_configuration


def manifests(args: ServiceMeshArgs) -> list[Manifest]:
    """Everything: the namespaces and what is in them first, then the policies and the tags."""
    return [*foundations(args), *policies(args)]


def foundations(args: ServiceMeshArgs) -> list[Manifest]:
    """What must be there before the charts: namespaces, and the certificate authority that istiod starts with."""
    return [*in_network(namespaces(args), args), *shared_root(args)]


def scrape_policies(args: ServiceMeshArgs) -> list[Manifest]:
    """Who may scrape the meshed namespaces."""
    monitoring = args.monitoring_namespace
    return [] if monitoring is None else [scrape_policy(namespace, monitoring) for namespace in args.namespaces]


def policies(args: ServiceMeshArgs) -> list[Manifest]:
    """What the control plane is told once its CRDs and its admission webhook are there; in a remote cluster only what
    Kubernetes itself reads, for its control plane has its own.
    """  # noqa: D205 - one sentence
    found = [
        mutual_tls(),
        *(default_deny(namespace) for namespace in args.namespaces),
        *scrape_policies(args),
        gateway(args),
        *revision_tags(args),
        *access_roles(args),
        *egress_routes(args),
        *mesh_telemetry(args),
        *server.manifests(args),
        *mesh_extensions(args.extensions),
        *(waypoint_objects(args) if args.mode is MeshMode.AMBIENT else []),
        *joins(args),
    ]
    return [item for item in found if not (isinstance(args.multi_cluster, Remote) and is_configuration(item))]
