"""How a client of this machine reaches each service: directly, and through the mesh as somebody who may. Pure."""

from dataclasses import dataclass
from typing import Final

from meshed_mcp import contract
from meshed_mcp.local.process.stack_runner import Running
from meshed_mcp.local.translate.callers import allowed_callers
from meshed_mcp.local.translate.envoy.bootstrap import LOOPBACK
from meshed_mcp.local.translate.envoy.gateway import attached
from meshed_mcp.local.translate.envoy.rbac import policies_for
from meshed_mcp.local.translate.objects.gateway import Gateway
from meshed_mcp.local.translate.objects.virtual_service import HTTPRoute, VirtualService
from meshed_mcp.local.translate.objects.workload import Service
from meshed_mcp.local.translate.topology import OUTBOUND_PORT, Pod, Topology, service_port

REGISTRY_QUESTION: Final = "/servers"
"""Asked beneath the registry's path, where a server is asked for its tools. Source: official MCP registry API, v0.1."""


@dataclass(frozen=True)
class Endpoint:
    """A URL, the sidecar that carries the call, the Host to name where the URL's would be refused, a token to show."""

    url: str
    proxy: str | None = None
    host: str | None = None
    token: str | None = None


def speaks_mcp(service: Service) -> bool:
    """Whether a Service is an MCP server; the registry is not."""
    return service.name != contract.REGISTRY_NAME


def direct(topology: Topology, service: Service) -> Endpoint | None:
    """Straight to the first replica's process, past every sidecar; None without a replica."""
    pods = topology.behind(service)
    host = f"{service.name}:{service_port(service).port}"
    return (
        Endpoint(
            f"http://{pods[0].address}:{pods[0].port}{endpoint_path(topology, service)}",
            host=host,
            token=topology.token(service),
        )
        if pods
        else None
    )


def through_mesh(running: Running, service: Service) -> Endpoint | None:
    """Through the gateway where the service is exposed, else as its first allowed caller; None if nobody may call."""
    exposed = gateway_url(running, service)
    if exposed is not None:
        return Endpoint(exposed, token=running.topology.token(service))
    callers = allowed_callers(running.topology, service)
    return as_caller(running.topology, service, callers[0]) if callers else None


def as_caller(topology: Topology, service: Service, caller: Pod) -> Endpoint:
    """What a pod does when it calls a service: through its own sidecar."""
    url = f"http://{_in_namespace_of(service, caller)}:{service_port(service).port}{endpoint_path(topology, service)}"
    return Endpoint(url, proxy=f"http://{caller.address}:{OUTBOUND_PORT}", token=topology.token(service))


def gateway_url(running: Running, service: Service) -> str | None:
    """Where a client outside the mesh connects; None when no route of the gateway leads to the service."""
    if running.gateway is None:
        return None
    path = exposed_path(running.topology, running.gateway, service)
    return None if path is None else f"http://{LOOPBACK}:{running.gateway_port}{path}"


def exposed_path(topology: Topology, gateway: Gateway, service: Service) -> str | None:
    """Path of the first gateway route that names the service's endpoint."""
    for owner in attached(topology, gateway):
        for http in owner.spec.http:
            if _leads_to(topology, owner, http, service):
                uris = [match.uri for match in http.match if match.uri is not None]
                return (uris[0].exact or uris[0].prefix) if uris else "/"
    return None


def _leads_to(topology: Topology, owner: VirtualService, http: HTTPRoute, service: Service) -> bool:
    hosts = {topology.resolved(each.destination.host, owner.namespace) for each in http.route}
    return topology.fqdn(service) in hosts


def endpoint_path(topology: Topology, service: Service) -> str:
    """Path of the endpoint: the first one that the policies of its pods allow, the SDK's own where none names one."""
    allowed = [
        path
        for pod in topology.behind(service)[:1]
        for policy in policies_for(topology.stack.authorization_policies, pod.namespace, pod.labels)
        for rule in policy.spec.rules
        for each in rule.to
        for path in each.operation.paths
        if policy.spec.action == "ALLOW" and "*" not in path
    ]
    return (allowed or [contract.MCP_PATH])[0] + ("" if speaks_mcp(service) else REGISTRY_QUESTION)


def _in_namespace_of(service: Service, caller: Pod) -> str:
    return service.name if caller.namespace == service.namespace else f"{service.name}.{service.namespace}"
