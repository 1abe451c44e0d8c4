"""References between objects: the name of an object that the stack does not have is an error. Pure."""

from collections.abc import Iterator

from meshed_mcp.error_codes.code import Message
from meshed_mcp.error_codes.local import NOT_IN_LOCAL_STACK
from meshed_mcp.local.translate.envoy.routes import MESH
from meshed_mcp.local.translate.objects.envoy_filter import HTTPRoutePatch
from meshed_mcp.local.translate.objects.virtual_service import qualified
from meshed_mcp.local.translate.topology import Topology

Missing = tuple[str, str, str]
"""Field, name and kind of a missing object."""


def unresolved_references(topology: Topology) -> list[Message]:
    """One line per host, gateway, service account and route that is not in the stack."""
    missing = [*_routes(topology), *_rules(topology), *_accounts(topology), *_patched_routes(topology)]
    return [NOT_IN_LOCAL_STACK.message(field=field, name=name, kind=kind) for field, name, kind in missing]


def _routes(topology: Topology) -> Iterator[Missing]:
    gateways = {f"{each.namespace}/{each.name}": each for each in topology.stack.gateways}
    services = {topology.fqdn(service) for service in topology.stack.services}
    for owner in topology.stack.virtual_services:
        where = f"VirtualService {owner.namespace}/{owner.name}: spec"
        for index, name in enumerate(owner.spec.gateways):
            gateway = gateways.get(qualified(name, owner.namespace))
            if name == MESH:
                hosts = [host for host in owner.spec.hosts if topology.resolved(host, owner.namespace) not in services]
                yield from ((f"{where}.hosts", host, "Service") for host in hosts)
            elif gateway is None:
                yield f"{where}.gateways[{index}]", name, "Gateway"
            else:
                served = {host for server in gateway.spec.servers for host in server.hosts}
                hosts = [host for host in owner.spec.hosts if host not in served]
                yield from ((f"{where}.hosts", host, f"host of Gateway {name}") for host in hosts)


def _rules(topology: Topology) -> Iterator[Missing]:
    services = {topology.fqdn(service) for service in topology.stack.services}
    for rule in topology.stack.destination_rules:
        if topology.resolved(rule.spec.host, rule.namespace) not in services:
            yield f"DestinationRule {rule.namespace}/{rule.name}: spec.host", rule.spec.host, "Service"


def _accounts(topology: Topology) -> Iterator[Missing]:
    known = {(account.namespace, account.name) for account in topology.stack.service_accounts}
    for each in topology.stack.deployments:
        name = each.spec.template.spec.service_account_name
        if (each.namespace, name) not in known:
            field = f"Deployment {each.namespace}/{each.name}: spec.template.spec.serviceAccountName"
            yield field, name, "ServiceAccount"


def _patched_routes(topology: Topology) -> Iterator[Missing]:
    known = {http.name for owner in topology.stack.virtual_services for http in owner.spec.http}
    for owner in topology.stack.envoy_filters:
        for index, patch in enumerate(owner.spec.config_patches):
            name = patch.match.route_configuration.vhost.route.name if isinstance(patch, HTTPRoutePatch) else None
            if name is not None and name not in known:
                where = f"EnvoyFilter {owner.namespace}/{owner.name}: spec.configPatches[{index}]"
                yield f"{where}.match.routeConfiguration.vhost.route.name", name, "route of a VirtualService"
