"""Policies that a stack's services make together: who leaves through the egress gateway, who asks an authorizer. Pure.

A configuration in; what the mesh's and the services' arguments take from it out, and issues between the two.
Not here: the objects (components/mesh/egress/gateway.py, external_authorization.py).
"""

from collections.abc import Iterator

from meshed_mcp import contract
from meshed_mcp.components.core.errors import ConfigIssue, suggestion
from meshed_mcp.components.mesh.egress.external_hosts import ExternalHost, external_hosts
from meshed_mcp.components.mesh.egress.service_entry import declared_hosts, ports_by_host
from meshed_mcp.components.mesh.service.addresses import principal
from meshed_mcp.error_codes.stack import (
    EGRESS_TO_OWN_GATEWAY,
    EXTERNAL_HOST_AT_SEVERAL_PORTS,
    EXTERNAL_HOST_PORTS_DIFFER,
    UNKNOWN_AUTHORIZER,
)
from meshed_mcp.infra.config import StackConfig


def external_hosts_by_service(config: StackConfig) -> dict[str, list[ExternalHost]]:
    """Service, the registry included -> hosts outside that it reaches: its own, and where the log lines go."""
    stores = external_hosts(config.logs.outside)
    own: dict[str, list[ExternalHost]] = {} if config.registry is None else {contract.REGISTRY_NAME: []}
    own |= {name: declared_hosts(item) for name, item in config.services.items()}
    return {name: [*dict.fromkeys([*hosts, *stores])] for name, hosts in own.items()}


def egress_identities(config: StackConfig) -> dict[str, list[str]]:
    """Host outside -> identities that reach it; empty without an egress gateway."""
    found: dict[str, list[str]] = {}
    if config.mesh.egress_gateway is None:
        return found
    for name, hosts in external_hosts_by_service(config).items():
        for host in hosts:
            found.setdefault(host.text, []).append(principal(name, config.namespace, config.mesh.trust_domain))
    return found


def policy_issues(config: StackConfig) -> Iterator[ConfigIssue]:
    """Authorizers that nobody knows, and hosts outside that cannot be told apart."""
    known = sorted(config.mesh.external_authorizers)
    for name, item in config.services.items():
        wanted = item.external_authorization
        if wanted is not None and wanted not in known:
            message = UNKNOWN_AUTHORIZER.message(name=wanted, suggested=suggestion(wanted, known))
            yield ConfigIssue(f"service {name}", "external_authorization", message)
        if config.domain in {host for host, _ in external_hosts(item.egress_hosts)}:
            message = EGRESS_TO_OWN_GATEWAY.message(domain=config.domain)
            yield ConfigIssue(f"service {name}", "egress_hosts", message)
    yield from overlap_issues(config)


def overlap_issues(config: StackConfig) -> Iterator[ConfigIssue]:
    """Hosts outside at different ports: the egress gateway knows one, and so does a namespace for each host.

    Source: Istio API, ServiceEntry; of entries for one host istiod gives proxies the ports of one.
    """
    why = "proxies of a namespace use the ports of one entry for a host; set the same ports in both"
    if config.mesh.egress_gateway is not None:
        why = "the egress gateway distinguishes hosts by name alone; set one port"
    seen: dict[str, tuple[tuple[int, ...], str]] = {}
    for name, hosts in external_hosts_by_service(config).items():
        for host, ports in ports_by_host(hosts).items():
            others, owner = seen.setdefault(host, (ports, name))
            if others != ports:
                message = EXTERNAL_HOST_PORTS_DIFFER.message(
                    host=host, ports=_ports(ports), others=_ports(others), owner=owner, why=why
                )
                yield ConfigIssue(f"service {name}", "egress_hosts", message)
            elif len(ports) > 1 and config.mesh.egress_gateway is not None:
                yield ConfigIssue(
                    f"service {name}",
                    "egress_hosts",
                    EXTERNAL_HOST_AT_SEVERAL_PORTS.message(host=host, ports=_ports(ports), why=why),
                )


def _ports(ports: tuple[int, ...]) -> str:
    return f"port {ports[0]}" if len(ports) == 1 else f"ports {' and '.join(map(str, ports))}"


def authorizer_reference(config: StackConfig, name: str | None) -> list[str]:
    """The Service of an authorizer as "namespace/service", for the sidecars that ask it."""
    if name is None or name not in config.mesh.external_authorizers:
        return []
    service, namespace, *_ = config.mesh.external_authorizers[name].service.split(".")
    return [f"{namespace}/{service}"]
