"""All objects of the mesh of one cluster that are not in a Helm chart, in two steps: before and after the charts.

Arguments in, objects out. Not here: the charts (istio_values.py), one service (service.py), their registration
(component.py).
"""

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh import rate_limiting
from meshed_mcp.components.mesh.cluster_args import ServiceMeshArgs
from meshed_mcp.components.mesh.gateway import gateway, namespaces
from meshed_mcp.components.mesh.revisions import revision_tags
from meshed_mcp.components.mesh.security import default_deny, mutual_tls
from meshed_mcp.components.mesh.telemetry import mesh_telemetry


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
        *mesh_telemetry(args),
        *rate_limiting.manifests(args),
    ]
