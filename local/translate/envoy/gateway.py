"""Virtual hosts at the edges of the mesh: of the ingress gateway, and of a sidecar to external hosts. Pure.

A process uses its sidecar as HTTPS_PROXY for CONNECT; in a cluster the sidecar reads the host from the TLS handshake.
"""

from collections.abc import Iterator
from typing import Final

from meshed_mcp import contract
from meshed_mcp.error_codes.local import GATEWAY_SELECTOR
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.translate.envoy.api import Message
from meshed_mcp.local.translate.envoy.clusters import dns_cluster, visible
from meshed_mcp.local.translate.envoy.routes import NO_TIMEOUT, routes
from meshed_mcp.local.translate.objects.gateway import Gateway
from meshed_mcp.local.translate.objects.virtual_service import VirtualService, qualified
from meshed_mcp.local.translate.stack import Stack
from meshed_mcp.local.translate.topology import Identity, Topology

HTTP_PORT: Final = 80
"""Port that a Host header leaves out. Source: RFC 9110, section 4.2.1."""


def gateway_identity(gateway: Gateway, trust_domain: str) -> Identity:
    """Service account of the gateway's pods: of an existing gateway, as its annotation says.

    Raises LocalRunError for another selector without the label `istio` alone.
    Source: Istio chart `gateway`: the release `istio-ingress` has the label `istio: ingress`, its account that name.
    """
    namespace, selector = gateway.namespace, gateway.spec.selector
    if (pods := gateway.metadata.annotations.get(contract.ANNOTATION_GATEWAY_PODS)) is not None:
        return Identity(trust_domain, *pods.split("/"))
    if selector.keys() != {"istio"}:
        raise LocalRunError(GATEWAY_SELECTOR.message(namespace=namespace, name=gateway.name, selector=selector))
    return Identity(trust_domain, namespace, f"istio-{selector['istio']}")


def serving_gateways(stack: Stack) -> list[Gateway]:
    """Gateways with routes to services; those that only redirect to HTTPS have no use where TLS is left out."""
    redirecting = {
        qualified(name, owner.namespace)
        for owner in stack.virtual_services
        if all(rule.redirect is not None for rule in owner.spec.http)
        for name in owner.spec.gateways
    }
    return [each for each in stack.gateways if f"{each.namespace}/{each.name}" not in redirecting]


def attached(topology: Topology, gateway: Gateway) -> list[VirtualService]:
    """VirtualServices of a gateway in the order of istiod for objects of one age."""
    name = f"{gateway.namespace}/{gateway.name}"
    found = [
        owner
        for owner in topology.stack.virtual_services
        if name in {qualified(each, owner.namespace) for each in owner.spec.gateways}
    ]
    return sorted(found, key=lambda owner: (owner.name, owner.namespace))


def gateway_virtual_hosts(topology: Topology, gateway: Gateway, port: int) -> list[Message]:
    """A virtual host per host of ports that do not redirect to HTTPS; the loopback address is an alias of the first."""
    owners = attached(topology, gateway)
    hosts: list[Message] = []
    for host in plain_hosts(gateway):
        serving = [owner for owner in owners if host in owner.spec.hosts]
        found = [route for owner in serving for route in routes(topology, owner, gateway.namespace)]
        if found and not hosts:
            domains = [f"127.0.0.1:{port}", f"localhost:{port}"]
            hosts.append({"name": "loopback", "domains": domains, "routes": [_with_host(host, each) for each in found]})
        if found:
            hosts.append({"name": host, "domains": [host, f"{host}:*"], "routes": found})
    return hosts


def plain_hosts(gateway: Gateway) -> list[str]:
    """Hosts of ports that do not redirect to HTTPS, in order, each once."""
    servers = [server for server in gateway.spec.servers if not server.tls.https_redirect]
    return list(dict.fromkeys(host for server in servers for host in server.hosts))


def loopback_owners(topology: Topology, gateway: Gateway) -> list[VirtualService]:
    """VirtualServices of the host that the loopback address is an alias of."""
    owners = attached(topology, gateway)
    serving = ([owner for owner in owners if host in owner.spec.hosts] for host in plain_hosts(gateway))
    return next(filter(None, serving), [])


def _with_host(host: str, route: Message) -> Message:
    """The route with the rendered host towards the destination, as in the cluster."""
    return {**route, "route": {"host_rewrite_literal": host, **route["route"]}} if "route" in route else route


def egress_clusters(topology: Topology, namespace: str) -> list[Message]:
    """A cluster per host and port that is exported to `namespace`; Envoy resolves the host."""
    # Source of the family: istiod, for proxies whose own addresses are IPv4.
    hosts = _external_hosts(topology, namespace)
    return [dns_cluster(name, host, port, dns_lookup_family="V4_ONLY") for name, host, port, _ in hosts]


def egress_virtual_hosts(topology: Topology, namespace: str) -> list[Message]:
    """A virtual host per host and port: of TLS for CONNECT, of plain HTTP for requests."""
    action = {"timeout": NO_TIMEOUT, "upgrade_configs": [{"upgrade_type": "CONNECT", "connect_config": {}}]}
    hosts: list[Message] = []
    for name, host, port, protocol in _external_hosts(topology, namespace):
        route = {"match": {"connect_matcher": {}}, "route": {"cluster": name, **action}}
        if protocol == "HTTP":
            route = {"match": {"prefix": "/"}, "route": {"cluster": name, "timeout": NO_TIMEOUT}}
        domains = [f"{host}:{port}", *([host] if port == HTTP_PORT else [])]
        hosts.append({"name": name, "domains": domains, "routes": [route]})
    return hosts


def _external_hosts(topology: Topology, namespace: str) -> Iterator[tuple[str, str, int, str]]:
    """Cluster name as in istiod, host, port, protocol; each once."""
    found = dict.fromkeys(
        (host, port.number, port.protocol)
        for entry in topology.stack.service_entries
        if visible(entry.spec.export_to, entry.namespace, namespace)
        for host in entry.spec.hosts
        for port in entry.spec.ports
    )
    for host, number, protocol in found:
        yield f"outbound|{number}||{host}", host, number, protocol
