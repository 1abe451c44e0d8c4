"""What the ingress gateway serves: hosts of its Gateway object, routes of the VirtualServices attached to it. Pure."""

from meshed_mcp.error_codes.local import GATEWAY_SELECTOR
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.translate.envoy.api import Message
from meshed_mcp.local.translate.envoy.routes import routes
from meshed_mcp.local.translate.objects.gateway import Gateway
from meshed_mcp.local.translate.objects.virtual_service import VirtualService, qualified
from meshed_mcp.local.translate.topology import Identity, Topology


def gateway_identity(gateway: Gateway, trust_domain: str) -> Identity:
    """Service account of the gateway's pods, from the selector. Source: Istio's gateway chart, label `istio`.

    The chart labels the pods of release `istio-ingress` with `istio: ingress` and names the service account after
    the release, in the namespace of the Gateway object. Raises LocalRunError for any other selector.
    """
    label = gateway.spec.selector.get("istio")
    if label is None or len(gateway.spec.selector) > 1:
        raise LocalRunError(
            GATEWAY_SELECTOR.message(namespace=gateway.namespace, name=gateway.name, selector=gateway.spec.selector)
        )
    return Identity(trust_domain, gateway.namespace, f"istio-{label}")


def attached(topology: Topology, gateway: Gateway) -> list[VirtualService]:
    """VirtualServices of a gateway, by name and namespace as istiod orders objects of one age."""
    name = f"{gateway.namespace}/{gateway.name}"
    found = [
        owner
        for owner in topology.stack.virtual_services
        if name in {qualified(each, owner.namespace) for each in owner.spec.gateways}
    ]
    return sorted(found, key=lambda owner: (owner.name, owner.namespace))


def served_hosts(gateway: Gateway) -> list[str]:
    """Hosts of the gateway, first one first; ports that only redirect to HTTPS do not count."""
    hosts = [host for server in gateway.spec.servers if not server.tls.https_redirect for host in server.hosts]
    return list(dict.fromkeys(hosts))


def gateway_virtual_hosts(topology: Topology, gateway: Gateway, port: int) -> list[Message]:
    """A virtual host per served host; the first one is also reached under the gateway's loopback address."""
    owners = attached(topology, gateway)
    hosts: list[Message] = []
    for host in served_hosts(gateway):
        mine = [
            route
            for owner in owners
            if host in owner.spec.hosts
            for route in routes(topology, owner, gateway.namespace)
        ]
        if not mine:
            continue
        if not hosts:
            hosts.append(_loopback(host, mine, port))
        hosts.append({"name": host, "domains": [host, f"{host}:*"], "routes": mine})
    return hosts


def _loopback(host: str, mine: list[Message], port: int) -> Message:
    """The same routes under this machine's names; the destination sees the rendered host, as in the cluster."""
    renamed = [_renamed(host, route) for route in mine]
    return {"name": "loopback", "domains": [f"127.0.0.1:{port}", f"localhost:{port}"], "routes": renamed}


def _renamed(host: str, route: Message) -> Message:
    if "route" not in route:
        return route
    return {**route, "route": {"host_rewrite_literal": host, **route["route"]}}
