"""Virtual hosts of the ingress gateway: hosts of the Gateway, routes of its VirtualServices. Pure."""

from meshed_mcp.error_codes.local import GATEWAY_SELECTOR
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.translate.envoy.api import Message
from meshed_mcp.local.translate.envoy.routes import routes
from meshed_mcp.local.translate.objects.gateway import Gateway
from meshed_mcp.local.translate.objects.virtual_service import VirtualService, qualified
from meshed_mcp.local.translate.topology import Identity, Topology


def gateway_identity(gateway: Gateway, trust_domain: str) -> Identity:
    """Service account of the gateway's pods. Raises LocalRunError for a selector without the label `istio` alone.

    Source: Istio chart `gateway`: the release `istio-ingress` has the label `istio: ingress`, its account that name.
    """
    label = gateway.spec.selector.get("istio")
    if label is None or len(gateway.spec.selector) > 1:
        raise LocalRunError(
            GATEWAY_SELECTOR.message(namespace=gateway.namespace, name=gateway.name, selector=gateway.spec.selector)
        )
    return Identity(trust_domain, gateway.namespace, f"istio-{label}")


def attached(topology: Topology, gateway: Gateway) -> list[VirtualService]:
    """VirtualServices of a gateway in the order of istiod for objects of one age."""
    name = f"{gateway.namespace}/{gateway.name}"
    found = [
        owner
        for owner in topology.stack.virtual_services
        if name in {qualified(each, owner.namespace) for each in owner.spec.gateways}
    ]
    return sorted(found, key=lambda owner: (owner.name, owner.namespace))


def served_hosts(gateway: Gateway) -> list[str]:
    """Hosts of the gateway in order, without ports that redirect to HTTPS."""
    hosts = [host for server in gateway.spec.servers if not server.tls.https_redirect for host in server.hosts]
    return list(dict.fromkeys(hosts))


def gateway_virtual_hosts(topology: Topology, gateway: Gateway, port: int) -> list[Message]:
    """A virtual host per served host; the loopback address is an alias of the first."""
    owners = attached(topology, gateway)
    hosts: list[Message] = []
    for host in served_hosts(gateway):
        found = [
            route
            for owner in owners
            if host in owner.spec.hosts
            for route in routes(topology, owner, gateway.namespace)
        ]
        if found and not hosts:
            domains = [f"127.0.0.1:{port}", f"localhost:{port}"]
            hosts.append({"name": "loopback", "domains": domains, "routes": [_with_host(host, each) for each in found]})
        if found:
            hosts.append({"name": host, "domains": [host, f"{host}:*"], "routes": found})
    return hosts


def _with_host(host: str, route: Message) -> Message:
    """The route with the rendered host towards the destination, as in the cluster."""
    if "route" not in route:
        return route
    return {**route, "route": {"host_rewrite_literal": host, **route["route"]}}
