"""Hosts outside behind the egress gateway: one way out of the mesh, which knows who may leave for where.

Arguments in, objects out. A service's sidecar wraps the TLS of its process into mutual TLS towards the gateway, under
the outside host's name; the gateway checks identity and name, unwraps, and passes the inner TLS on unread.
Not here: the gateway's pods (mesh/cluster/istio_releases.py), which hosts a service declares (service_entry.py).
Source: Istio, "Egress Gateways", HTTPS; Istio API, ServerTLSSettings `ISTIO_MUTUAL`.
"""

from hashlib import sha256
from typing import Final

from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.mesh.authorization.policy import SECURITY_API
from meshed_mcp.components.mesh.cluster.args import EGRESS_NAMESPACE, ServiceMeshArgs
from meshed_mcp.components.mesh.cluster.gateway import EGRESS_RELEASE, EGRESS_SELECTOR, HTTPS_PORT
from meshed_mcp.components.mesh.egress.external_hosts import ExternalHost, external_hosts
from meshed_mcp.components.mesh.egress.network_policy import gateway_network_policy
from meshed_mcp.components.mesh.egress.service_entry import service_entry_manifest
from meshed_mcp.components.mesh.routing.virtual_service import MESH_GATEWAY, NETWORKING

EGRESS_GATEWAY: Final = "mcp-egress"
"""Name of the Gateway object, of its policy and of the rules that lead to it."""

ONLY_HERE: Final = ["."]
"""Istio, `exportTo`: the object's own namespace."""


def egress_routes(args: ServiceMeshArgs) -> list[Manifest]:
    """Everything between the sidecars and the hosts; nothing without a gateway or without hosts."""
    hosts = external_hosts(list(args.egress))
    if args.egress_gateway is None or not hosts:
        return []
    return [
        gateway_network_policy(EGRESS_NAMESPACE, EGRESS_SELECTOR),
        egress_policy(args),
        *(
            service_entry_manifest(f"{EGRESS_GATEWAY}-{port}", EGRESS_NAMESPACE, (port,), names)
            for port, names in by_port(hosts)
        ),
        egress_gateway(hosts),
        *(_way_out(host) for host in hosts),
        *(_named_tunnels(namespace, hosts, args) for namespace in args.namespaces),
        *(_way_to_gateway(namespace, host, args) for namespace in args.namespaces for host in hosts),
    ]


def egress_host(args: ServiceMeshArgs) -> str:
    """Host of the gateway's Service."""
    return f"{EGRESS_RELEASE}.{EGRESS_NAMESPACE}.svc.{args.cluster_domain}"


def by_port(hosts: list[ExternalHost]) -> list[tuple[int, list[str]]]:
    """Hosts by the port they are reached at."""
    return [(port, [each.host for each in hosts if each.port == port]) for port in sorted({h.port for h in hosts})]


def egress_policy(args: ServiceMeshArgs) -> Manifest:
    """Who may leave for where, by identity and by the name of the tunnel; everything else ends at the gateway.

    A host without identities has no rule: to Istio an empty list of principals would be everybody.
    """
    rules = [
        {
            "from": [{"source": {"principals": sorted(args.egress[host.text])}}],
            "when": [{"key": "connection.sni", "values": [host.host]}],
        }
        for host in external_hosts(list(args.egress))
        if args.egress[host.text]
    ]
    selector = {"selector": {"matchLabels": dict(EGRESS_SELECTOR)}, "action": "ALLOW"}
    spec = selector | ({"rules": rules} if rules else {})
    return manifest(SECURITY_API, "AuthorizationPolicy", metadata(EGRESS_GATEWAY, EGRESS_NAMESPACE), spec)


def egress_gateway(hosts: list[ExternalHost]) -> Manifest:
    """The door: mutual TLS of the mesh, a name for each host."""
    server = {
        "port": {"number": HTTPS_PORT, "name": "tls", "protocol": "TLS"},
        "hosts": [each.host for each in hosts],
        "tls": {"mode": "ISTIO_MUTUAL"},
    }
    spec = {"selector": dict(EGRESS_SELECTOR), "servers": [server]}
    return manifest(NETWORKING, "Gateway", metadata(EGRESS_GATEWAY, EGRESS_NAMESPACE), spec)


def _way_out(to: ExternalHost) -> Manifest:
    """From the gateway to the host itself."""
    route = {
        "match": [{"gateways": [EGRESS_GATEWAY], "port": HTTPS_PORT}],
        "route": [{"destination": {"host": to.host, "port": {"number": to.port}}}],
    }
    spec = {"hosts": [to.host], "gateways": [EGRESS_GATEWAY], "exportTo": ONLY_HERE, "tcp": [route]}
    return manifest(NETWORKING, "VirtualService", metadata(_title(to), EGRESS_NAMESPACE), spec)


def _way_to_gateway(namespace: str, to: ExternalHost, args: ServiceMeshArgs) -> Manifest:
    """From a sidecar to the gateway, by the name in the process's TLS handshake."""
    gateway = {"host": egress_host(args), "subset": tunnel(to), "port": {"number": HTTPS_PORT}}
    route = {"match": [{"port": to.port, "sniHosts": [to.host]}], "route": [{"destination": gateway}]}
    spec = {"hosts": [to.host], "gateways": [MESH_GATEWAY], "exportTo": ONLY_HERE, "tls": [route]}
    return manifest(NETWORKING, "VirtualService", metadata(_title(to), namespace), spec)


def _named_tunnels(namespace: str, hosts: list[ExternalHost], args: ServiceMeshArgs) -> Manifest:
    """Mutual TLS to the gateway under each host's name."""
    subsets = [
        {"name": tunnel(each), "trafficPolicy": {"tls": {"mode": "ISTIO_MUTUAL", "sni": each.host}}} for each in hosts
    ]
    spec = {"host": egress_host(args), "exportTo": ONLY_HERE, "subsets": subsets}
    return manifest(NETWORKING, "DestinationRule", metadata(EGRESS_GATEWAY, namespace), spec)


def tunnel(to: ExternalHost) -> str:
    """Name of the subset for a host: a DNS label, and another for every host. Source: Istio API, Subset `name`."""
    return f"to-{sha256(to.host.encode()).hexdigest()[:16]}"


def _title(to: ExternalHost) -> str:
    return f"egress-{to.host}"
