"""Policies that a stack's services make together: who leaves through the egress gateway, who asks an authorizer. Pure.

A configuration in; what the mesh's and the services' arguments take from it out, and faults between the two.
Not here: the objects (components/mesh/egress_gateway.py, external_authorization.py).
"""

from collections.abc import Iterator

from meshed_mcp.components.core.errors import Fault, suggestion
from meshed_mcp.components.mesh.addresses import principal
from meshed_mcp.components.mesh.egress import declared_hosts
from meshed_mcp.infra.config import StackConfig


def egress_identities(config: StackConfig) -> dict[str, list[str]]:
    """Host outside -> identities that declare it; empty without an egress gateway."""
    found: dict[str, list[str]] = {}
    if config.mesh.egress_gateway is None:
        return found
    for name, item in config.services.items():
        for host in declared_hosts(item):
            found.setdefault(host.text, []).append(principal(name, config.namespace, config.mesh.trust_domain))
    return found


def policy_faults(config: StackConfig) -> Iterator[Fault]:
    """Authorizers that nobody knows, and hosts that the egress gateway could not tell apart."""
    known = sorted(config.mesh.external_authorizers)
    ports: dict[str, tuple[int, str]] = {}
    for name, item in config.services.items():
        wanted = item.external_authorization
        if wanted is not None and wanted not in known:
            message = f"the mesh has no authorizer {wanted}; {suggestion(wanted, known)} (mesh.external_authorizers)"
            yield Fault(f"service {name}", "external_authorization", message)
        for host, port in declared_hosts(item) if config.mesh.egress_gateway is not None else ():
            other, owner = ports.setdefault(host, (port, name))
            if other != port:
                message = (
                    f"{host} is reached at port {port} here and at {other} by {owner}, and the egress gateway tells "
                    "hosts apart by name alone; declare one port"
                )
                yield Fault(f"service {name}", "egress_hosts", message)


def authorizer_reference(config: StackConfig, name: str | None) -> list[str]:
    """The Service of an authorizer as "namespace/service", for the sidecars that ask it."""
    if name is None or name not in config.mesh.external_authorizers:
        return []
    service, namespace, *_ = config.mesh.external_authorizers[name].service.split(".")
    return [f"{namespace}/{service}"]
