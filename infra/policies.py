"""Policies that a stack's services make together: who leaves through the egress gateway, who asks an authorizer. Pure.

A configuration in; what the mesh's and the services' arguments take from it out, and faults between the two.
Not here: the objects (components/mesh/egress_gateway.py, external_authorization.py).
"""

from collections.abc import Iterator

from meshed_mcp import contract
from meshed_mcp.components.core.errors import Fault, suggestion
from meshed_mcp.components.mesh.addresses import principal
from meshed_mcp.components.mesh.egress import declared_hosts, ports_by_host
from meshed_mcp.components.mesh.outside_args import OutsideHost, outside_hosts
from meshed_mcp.infra.config import StackConfig


def outside_by_service(config: StackConfig) -> dict[str, list[OutsideHost]]:
    """Service, the registry included -> hosts outside that it reaches: its own, and where the log lines go."""
    stores = outside_hosts(config.logs.outside)
    own: dict[str, list[OutsideHost]] = {} if config.registry is None else {contract.REGISTRY_NAME: []}
    own |= {name: declared_hosts(item) for name, item in config.services.items()}
    return {name: [*dict.fromkeys([*hosts, *stores])] for name, hosts in own.items()}


def egress_identities(config: StackConfig) -> dict[str, list[str]]:
    """Host outside -> identities that reach it; empty without an egress gateway."""
    found: dict[str, list[str]] = {}
    if config.mesh.egress_gateway is None:
        return found
    for name, hosts in outside_by_service(config).items():
        for host in hosts:
            found.setdefault(host.text, []).append(principal(name, config.namespace, config.mesh.trust_domain))
    return found


def policy_faults(config: StackConfig) -> Iterator[Fault]:
    """Authorizers that nobody knows, and hosts outside that cannot be told apart."""
    known = sorted(config.mesh.external_authorizers)
    for name, item in config.services.items():
        wanted = item.external_authorization
        if wanted is not None and wanted not in known:
            message = f"the mesh has no authorizer {wanted}; {suggestion(wanted, known)} (mesh.external_authorizers)"
            yield Fault(f"service {name}", "external_authorization", message)
        if config.domain in {host for host, _ in outside_hosts(item.egress_hosts)}:
            message = (
                f"{config.domain} is the gateway of this stack, where the call would come back as a stranger's; remove "
                "it, and name this service among the callers of the one that it calls"
            )
            yield Fault(f"service {name}", "egress_hosts", message)
    yield from overlap_faults(config)


def overlap_faults(config: StackConfig) -> Iterator[Fault]:
    """Hosts outside at different ports: the egress gateway knows one, and so does a namespace for each host.

    Source: Istio API, ServiceEntry; of entries for one host istiod gives proxies the ports of one.
    """
    why = "proxies know a host of a namespace by one entry and would lose ports; declare the same ports at both"
    if config.mesh.egress_gateway is not None:
        why = "the egress gateway tells hosts apart by name alone; declare one port"
    seen: dict[str, tuple[tuple[int, ...], str]] = {}
    for name, hosts in outside_by_service(config).items():
        for host, ports in ports_by_host(hosts).items():
            others, owner = seen.setdefault(host, (ports, name))
            if others != ports:
                message = f"{host} is reached at {_ports(ports)} here and at {_ports(others)} by {owner}, and {why}"
                yield Fault(f"service {name}", "egress_hosts", message)
            elif len(ports) > 1 and config.mesh.egress_gateway is not None:
                yield Fault(f"service {name}", "egress_hosts", f"{host} is reached at {_ports(ports)}, and {why}")


def _ports(ports: tuple[int, ...]) -> str:
    return f"port {ports[0]}" if len(ports) == 1 else f"ports {' and '.join(map(str, ports))}"


def authorizer_reference(config: StackConfig, name: str | None) -> list[str]:
    """The Service of an authorizer as "namespace/service", for the sidecars that ask it."""
    if name is None or name not in config.mesh.external_authorizers:
        return []
    service, namespace, *_ = config.mesh.external_authorizers[name].service.split(".")
    return [f"{namespace}/{service}"]
