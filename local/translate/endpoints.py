"""Endpoints of a service, and its allowed and unauthorized callers by the AuthorizationPolicies. Pure."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from meshed_mcp import contract
from meshed_mcp.local.process.stack_runner import Running
from meshed_mcp.local.translate.envoy.gateway import loopback_owners
from meshed_mcp.local.translate.envoy.security import account_suffix, policies_for
from meshed_mcp.local.translate.objects.gateway import Gateway
from meshed_mcp.local.translate.objects.policies import AuthorizationPolicy, Source
from meshed_mcp.local.translate.objects.workload import Service
from meshed_mcp.local.translate.topology import LOOPBACK, OUTBOUND_PORT, Identity, Pod, Topology, service_port

REGISTRY_LIST: Final = "/servers"
"""List request below the path of the registry. Source: official MCP registry API, v0.1."""


@dataclass(frozen=True)
class Endpoint:
    """A URL with the sidecar to use as a proxy, a Host that the server accepts, and a bearer token."""

    url: str
    proxy: str | None = None
    host: str | None = None
    token: str | None = None


def speaks_mcp(service: Service) -> bool:
    """Whether a Service is an MCP server, and not the registry."""
    return service.name != contract.REGISTRY_NAME


def direct(topology: Topology, service: Service) -> Endpoint | None:
    """The process of the first replica, without sidecars; None without a replica."""
    if not (pods := topology.behind(service)):
        return None
    url = f"http://{pods[0].server_address}:{pods[0].port}{endpoint_path(topology, service)}"
    return Endpoint(url, host=f"{service.name}:{service_port(service).port}", token=topology.token(service))


def through_mesh(running: Running, service: Service) -> Endpoint | None:
    """The gateway if it exposes the service, else the sidecar of the first allowed caller; None without either."""
    if (exposed := gateway_url(running, service)) is not None:
        return Endpoint(exposed, token=running.topology.token(service))
    allowed = callers(running.topology, service, allowed=True)
    return as_caller(running.topology, service, allowed[0]) if allowed else None


def as_caller(topology: Topology, service: Service, caller: Pod) -> Endpoint:
    """The sidecar of a caller."""
    host = service.name if caller.namespace == service.namespace else f"{service.name}.{service.namespace}"
    url = f"http://{host}:{service_port(service).port}{endpoint_path(topology, service)}"
    return Endpoint(url, proxy=f"http://{caller.address}:{OUTBOUND_PORT}", token=topology.token(service))


def gateway_url(running: Running, service: Service) -> str | None:
    """URL for clients outside the mesh; None when no route of the gateway has the service as a destination."""
    if running.gateway is None:
        return None
    path = exposed_path(running.topology, running.gateway, service)
    return None if path is None else f"http://{LOOPBACK}:{running.gateway_port}{path}"


def exposed_path(topology: Topology, gateway: Gateway, service: Service) -> str | None:
    """Path at the loopback address of the first gateway route with the service as a destination."""
    for owner in loopback_owners(topology, gateway):
        for http in owner.spec.http:
            hosts = {topology.resolved(each.destination.host, owner.namespace) for each in http.route}
            if topology.fqdn(service) in hosts:
                uris = [match.uri for match in http.match if match.uri is not None]
                return (uris[0].exact or uris[0].prefix) if uris else "/"
    return None


def endpoint_path(topology: Topology, service: Service) -> str:
    """The first path that the ALLOW policies name, else the default of the SDK."""
    rules = [rule for each in _policies(topology, service) if each.spec.action == "ALLOW" for rule in each.spec.rules]
    paths = [path for rule in rules for each in rule.to for path in each.operation.paths if "*" not in path]
    return (paths or [contract.MCP_PATH])[0] + ("" if speaks_mcp(service) else REGISTRY_LIST)


def _policies(topology: Topology, service: Service) -> list[AuthorizationPolicy]:
    """The policies of the first replica."""
    pods, policies = topology.behind(service)[:1], topology.stack.authorization_policies
    return [policy for pod in pods for policy in policies_for(policies, pod.namespace, pod.labels)]


def callers(topology: Topology, service: Service, *, allowed: bool) -> list[Pod]:
    """One pod per identity that may call a Service, or (`allowed=False`) may not, except its own."""
    own = {each.identity for each in topology.behind(service)}
    first_pods = list({pod.identity: pod for pod in reversed(topology.pods)}.values())[::-1]
    others = [pod for pod in first_pods if pod.identity not in own]
    return [pod for pod in others if _may(topology, service, pod) == allowed]


def _may(topology: Topology, service: Service, caller: Pod) -> bool:
    policies = _policies(topology, service)
    denied = any(_names(each, caller.identity) for each in policies if each.spec.action == "DENY" and _denies_all(each))
    allows = [each for each in policies if each.spec.action == "ALLOW"]
    return not denied and (not allows or any(_names(each, caller.identity) for each in allows))


def _denies_all(policy: AuthorizationPolicy) -> bool:
    """Whether a DENY policy has conditions on callers only."""
    return all(not rule.to and not rule.when for rule in policy.spec.rules)


def _names(policy: AuthorizationPolicy, identity: Identity) -> bool:
    return any(
        not rule.from_ or any(_source_names(each.source, identity, policy.namespace) for each in rule.from_)
        for rule in policy.spec.rules
    )


def _source_names(source: Source, identity: Identity, namespace: str) -> bool:
    accounts = [f"*{account_suffix(each, namespace)}" for each in source.service_accounts]
    wanted = [
        (source.principals, identity.principal, True),
        (source.not_principals, identity.principal, False),
        (source.namespaces, identity.namespace, True),
        (source.not_namespaces, identity.namespace, False),
        (accounts, identity.principal, True),
    ]
    return all(
        not patterns or any(fnmatchcase(value, pattern) for pattern in patterns) == sense
        for patterns, value, sense in wanted
    )
