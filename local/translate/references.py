"""References between objects: a name of an object that the stack does not have is an error. Pure."""

from collections.abc import Iterator

from meshed_mcp.error_codes.code import Message
from meshed_mcp.error_codes.local import NOT_IN_LOCAL_STACK
from meshed_mcp.local.translate.envoy.routes import MESH
from meshed_mcp.local.translate.objects.envoy_filter import HTTPRoutePatch
from meshed_mcp.local.translate.objects.virtual_service import VirtualService, qualified
from meshed_mcp.local.translate.topology import Topology


def unresolved_references(topology: Topology) -> list[Message]:
    """One line per host, gateway, service account and route that is not in the stack."""
    return [*_routes(topology), *_rules(topology), *_accounts(topology), *_patched_routes(topology)]


def _routes(topology: Topology) -> Iterator[Message]:
    gateways = {f"{each.namespace}/{each.name}": each for each in topology.stack.gateways}
    for owner in topology.stack.virtual_services:
        where = f"VirtualService {owner.namespace}/{owner.name}"
        for index, name in enumerate(owner.spec.gateways):
            gateway = gateways.get(qualified(name, owner.namespace))
            if name == MESH:
                yield from _mesh_hosts(topology, owner, where)
            elif gateway is None:
                yield NOT_IN_LOCAL_STACK.message(field=f"{where}: spec.gateways[{index}]", name=name, kind="Gateway")
            else:
                served = {host for server in gateway.spec.servers for host in server.hosts}
                for host in owner.spec.hosts:
                    if host not in served:
                        yield NOT_IN_LOCAL_STACK.message(
                            field=f"{where}: spec.hosts", name=host, kind=f"host of Gateway {name}"
                        )


def _mesh_hosts(topology: Topology, owner: VirtualService, where: str) -> Iterator[Message]:
    known = {topology.fqdn(service) for service in topology.stack.services}
    for host in owner.spec.hosts:
        if topology.resolved(host, owner.namespace) not in known:
            yield NOT_IN_LOCAL_STACK.message(field=f"{where}: spec.hosts", name=host, kind="Service")


def _rules(topology: Topology) -> Iterator[Message]:
    known = {topology.fqdn(service) for service in topology.stack.services}
    for rule in topology.stack.destination_rules:
        where = f"DestinationRule {rule.namespace}/{rule.name}"
        if topology.resolved(rule.spec.host, rule.namespace) not in known:
            yield NOT_IN_LOCAL_STACK.message(field=f"{where}: spec.host", name=rule.spec.host, kind="Service")


def _accounts(topology: Topology) -> Iterator[Message]:
    known = {(account.namespace, account.name) for account in topology.stack.service_accounts}
    for each in topology.stack.deployments:
        name = each.spec.template.spec.service_account_name
        if (each.namespace, name) not in known:
            yield NOT_IN_LOCAL_STACK.message(
                field=f"Deployment {each.namespace}/{each.name}: spec.template.spec.serviceAccountName",
                name=name,
                kind="ServiceAccount",
            )


def _patched_routes(topology: Topology) -> Iterator[Message]:
    known = {http.name for owner in topology.stack.virtual_services for http in owner.spec.http}
    for owner in topology.stack.envoy_filters:
        for index, patch in enumerate(owner.spec.config_patches):
            name = patch.match.route_configuration.vhost.route.name if isinstance(patch, HTTPRoutePatch) else None
            if name is not None and name not in known:
                where = f"EnvoyFilter {owner.namespace}/{owner.name}: spec.configPatches[{index}]"
                yield NOT_IN_LOCAL_STACK.message(
                    field=f"{where}.match.routeConfiguration.vhost.route.name",
                    name=name,
                    kind="route of a VirtualService",
                )
