"""All objects of the mesh of one cluster that are not in a Helm chart, in two steps: before and after the charts.

Arguments in, objects out. Not here: the charts (istio_values.py), one service (service.py), their registration
(component.py).
"""

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh import rate_limiting
from meshed_mcp.components.mesh.access_roles import access_roles
from meshed_mcp.components.mesh.cluster_args import ServiceMeshArgs
from meshed_mcp.components.mesh.egress_gateway import egress_routes
from meshed_mcp.components.mesh.gateway import gateway, namespaces
from meshed_mcp.components.mesh.revisions import revision_tags
from meshed_mcp.components.mesh.security import default_deny, mutual_tls
from meshed_mcp.components.mesh.telemetry import mesh_tracing


def manifests(args: ServiceMeshArgs) -> list[Manifest]:
    """Everything: the namespaces, then the policies and the tags."""
    return [*namespaces(args), *policies(args)]


def policies(args: ServiceMeshArgs) -> list[Manifest]:
    """What the control plane is told once its CRDs and its admission webhook are there."""
    return [
        mutual_tls(),
        *(default_deny(namespace) for namespace in args.namespaces),
        gateway(args),
        *revision_tags(args),
        *access_roles(args),
        *egress_routes(args),
        *(mesh_tracing(args.tracing) if args.tracing is not None else []),
        *rate_limiting.manifests(args),
    ]
