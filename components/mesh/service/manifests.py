"""All Kubernetes objects of one MCP server, in the order of registration."""

from typing import Final

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.core.names import service_name
from meshed_mcp.components.mesh.ambient.service import ambient_manifests, without_sidecar
from meshed_mcp.components.mesh.authorization.challenges import challenge_filters
from meshed_mcp.components.mesh.authorization.external import external_authorization
from meshed_mcp.components.mesh.authorization.policy import caller_policy
from meshed_mcp.components.mesh.authorization.tokens import request_authentication
from meshed_mcp.components.mesh.cluster.access_log import service_access_log
from meshed_mcp.components.mesh.cluster.extensions import service_extensions
from meshed_mcp.components.mesh.cluster.mode import MeshMode
from meshed_mcp.components.mesh.egress.network_policy import network_policy
from meshed_mcp.components.mesh.egress.proxy import proxy_entries
from meshed_mcp.components.mesh.egress.service_entry import service_entries
from meshed_mcp.components.mesh.egress.sidecar import sidecars
from meshed_mcp.components.mesh.rate_limit.local import rate_limit_envoy_filters
from meshed_mcp.components.mesh.routing.connect_failure_retry import connect_failure_filter
from meshed_mcp.components.mesh.routing.destination_rule import destination_rule
from meshed_mcp.components.mesh.routing.inbound_streams import inbound_stream_filters
from meshed_mcp.components.mesh.routing.virtual_service import ingress_route_manifests, mesh_route
from meshed_mcp.components.mesh.service import workload
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.components.mesh.service.pod_monitor import pod_monitors
from meshed_mcp.components.mesh.service.without_mesh import caller_network_policy
from meshed_mcp.components.mesh.sessions.affinity import session_affinity_filters


def service_manifests(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """All objects of the service `name`. Raises ValueError when `name` is no service name.

    Policies come before the pods, so that a starting pod already rejects unauthorized callers.
    """
    service_name(name)
    items = RENDERERS[args.mode](name, args)
    return [item for item in items if not (args.remote and is_read_by_control_plane(item))]


def is_read_by_control_plane(item: Manifest) -> bool:
    """Whether only the istiod of the own cluster reads the object. Source: Istio, "Install Primary-Remote"."""
    return str(item["apiVersion"]).partition("/")[0].endswith(".istio.io")


def sidecar_mode_manifests(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """All objects in sidecar mode."""
    return [
        *workload.service_account(name, args),
        *request_authentication(name, args),
        *external_authorization(name, args),
        caller_policy(name, args),
        destination_rule(name, args),
        mesh_route(name, args),
        *ingress_route_manifests(name, args),
        *session_affinity_filters(name, args),
        connect_failure_filter(name, args),
        *challenge_filters(name, args),
        *inbound_stream_filters(name, args),
        *rate_limit_envoy_filters(name, args),
        *service_extensions(name, args.namespace, args.extensions),
        *service_access_log(name, args),
        *service_entries(name, args),
        *proxy_entries(name, args),
        *sidecars(name, args),
        *network_policy(name, args),
        workload.service(name, args),
        workload.pod_disruption_budget(name, args),
        *(workload.deployment(name, args, version) for version in workload.versions(name, args)),
        *pod_monitors(name, args),
    ]


def meshless_manifests(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """All objects in a cluster without a mesh."""
    return [
        *workload.service_account(name, args),
        caller_network_policy(name, args),
        *network_policy(name, args),
        workload.service(name, args),
        workload.pod_disruption_budget(name, args),
        *(without_sidecar(workload.deployment(name, args, version)) for version in workload.versions(name, args)),
        *pod_monitors(name, args),
    ]


RENDERERS: Final = {
    MeshMode.SIDECAR: sidecar_mode_manifests,
    MeshMode.AMBIENT: ambient_manifests,
    MeshMode.NONE: meshless_manifests,
}
