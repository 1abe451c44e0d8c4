"""All Kubernetes objects of one MCP server in the mesh, in the order in which they are registered.

A service's name and arguments in, objects out. Not here: each object (workload.py, mesh/routing/virtual_service.py,
mesh/authorization/policy.py, mesh/egress/service_entry.py, pod_monitor.py), registration (component.py).
"""

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.core.names import service_name
from meshed_mcp.components.mesh.ambient import service as ambient
from meshed_mcp.components.mesh.authorization.external import external_authorization
from meshed_mcp.components.mesh.authorization.policy import caller_policy
from meshed_mcp.components.mesh.authorization.tokens import request_authentication
from meshed_mcp.components.mesh.cluster.access_log import service_access_log
from meshed_mcp.components.mesh.cluster.extensions import service_extensions
from meshed_mcp.components.mesh.cluster.mode import MeshMode
from meshed_mcp.components.mesh.egress.network_policy import network_policy
from meshed_mcp.components.mesh.egress.service_entry import service_entries
from meshed_mcp.components.mesh.egress.sidecar import imported
from meshed_mcp.components.mesh.rate_limit.local import rate_limits
from meshed_mcp.components.mesh.routing.connect_failure_retry import marking_filter
from meshed_mcp.components.mesh.routing.destination_rule import destination_rule
from meshed_mcp.components.mesh.routing.virtual_service import ingress_route, mesh_route
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.components.mesh.service.pod_monitor import pod_monitor
from meshed_mcp.components.mesh.service.workload import (
    deployment,
    pod_disruption_budget,
    service,
    service_account,
    versions,
)
from meshed_mcp.components.mesh.sessions.affinity import envoy_filters


def manifests(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """Everything of the service `name`; ValueError when `name` cannot name a service.

    Policy comes before the pods: a pod that starts is already closed to strangers.
    """
    service_name(name)
    whole = ambient.manifests(name, args) if args.mode is MeshMode.AMBIENT else with_sidecars(name, args)
    return [item for item in whole if not (args.remote and is_configuration(item))]


def is_configuration(item: Manifest) -> bool:
    """Whether only a control plane reads the object; one that governs remotely reads its own cluster's alone.

    Source: Istio, "Install Primary-Remote on different networks".
    """
    return str(item["apiVersion"]).partition("/")[0].endswith(".istio.io")


def with_sidecars(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """Everything where every pod has a sidecar."""
    ingress = [ingress_route(name, args, args.ingress)] if args.expose and args.ingress is not None else []
    return [
        service_account(name, args),
        *request_authentication(name, args),
        *external_authorization(name, args),
        caller_policy(name, args),
        destination_rule(name, args),
        mesh_route(name, args),
        *ingress,
        *envoy_filters(name, args),
        marking_filter(name, args),
        *rate_limits(name, args),
        *service_extensions(name, args.namespace, args.extensions),
        *service_access_log(name, args),
        *service_entries(name, args),
        *imported(name, args),
        *network_policy(name, args),
        service(name, args),
        pod_disruption_budget(name, args),
        *(deployment(name, args, version) for version in versions(name, args)),
        pod_monitor(name, args),
    ]
