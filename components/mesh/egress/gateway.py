"""Istio objects of the egress gateway: routes, tunnels and authorization for external hosts.

The sidecar of a service wraps the TLS connection of its process in mutual TLS to the gateway, with the external host as
SNI. The gateway authorizes identity and SNI and forwards the inner TLS connection unread.
Source: Istio, "Egress Gateways", HTTPS; Istio API, ServerTLSSettings `ISTIO_MUTUAL`.
"""

from hashlib import sha256
from typing import Final

from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.mesh.authorization.policy import SECURITY_API
from meshed_mcp.components.mesh.cluster.args import EGRESS_NAMESPACE, ServiceMeshArgs
from meshed_mcp.components.mesh.cluster.gateway import EGRESS_RELEASE, EGRESS_SELECTOR, HTTPS_PORT
from meshed_mcp.components.mesh.egress.destinations import ExternalHost, external_hosts
from meshed_mcp.components.mesh.egress.network_policy import gateway_network_policy
from meshed_mcp.components.mesh.egress.service_entry import service_entry_manifest
from meshed_mcp.components.mesh.routing.virtual_service import MESH_GATEWAY, NETWORKING

EGRESS_GATEWAY: Final = "mcp-egress"
"""Name of the Gateway, its AuthorizationPolicy and the DestinationRules that lead to it."""

ONLY_HERE: Final = ["."]
"""`exportTo` the object's own namespace. Source: Istio API."""


def egress_routes(args: ServiceMeshArgs) -> list[Manifest]:
    """All objects of the egress gateway; empty without a gateway or without external hosts."""
    hosts = external_hosts(list(args.egress))
    if args.egress_gateway is None or not hosts:
        return []
    return [
        gateway_network_policy(EGRESS_NAMESPACE, EGRESS_SELECTOR, args.root_namespace),
        egress_policy(args),
        *(
            service_entry_manifest(f"{EGRESS_GATEWAY}-{port}", EGRESS_NAMESPACE, (port,), names)
            for port, names in hosts_by_port(hosts)
        ),
        egress_gateway(hosts),
        *(_gateway_to_host(host) for host in hosts),
        *(_tunnel_subsets(namespace, hosts, args) for namespace in args.namespaces),
        *(_sidecar_to_gateway(namespace, host, args) for namespace in args.namespaces for host in hosts),
    ]


def egress_host(args: ServiceMeshArgs) -> str:
    """Host of the egress gateway's Service."""
    return f"{EGRESS_RELEASE}.{EGRESS_NAMESPACE}.svc.{args.cluster_domain}"


def hosts_by_port(hosts: list[ExternalHost]) -> list[tuple[int, list[str]]]:
    """Port -> hosts, sorted by port."""
    return [(port, [each.host for each in hosts if each.port == port]) for port in sorted({h.port for h in hosts})]


def egress_policy(args: ServiceMeshArgs) -> Manifest:
    """AuthorizationPolicy by identity and SNI; a host without identities gets no rule, as an empty list allows all."""
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
    """Egress Gateway listener: Istio mutual TLS, one server name per host."""
    server = {
        "port": {"number": HTTPS_PORT, "name": "tls", "protocol": "TLS"},
        "hosts": [each.host for each in hosts],
        "tls": {"mode": "ISTIO_MUTUAL"},
    }
    spec = {"selector": dict(EGRESS_SELECTOR), "servers": [server]}
    return manifest(NETWORKING, "Gateway", metadata(EGRESS_GATEWAY, EGRESS_NAMESPACE), spec)


def _gateway_to_host(to: ExternalHost) -> Manifest:
    """Route from the gateway to the external host."""
    route = {
        "match": [{"gateways": [EGRESS_GATEWAY], "port": HTTPS_PORT}],
        "route": [{"destination": {"host": to.host, "port": {"number": to.port}}}],
    }
    spec = {"hosts": [to.host], "gateways": [EGRESS_GATEWAY], "exportTo": ONLY_HERE, "tcp": [route]}
    return manifest(NETWORKING, "VirtualService", metadata(_route_name(to), EGRESS_NAMESPACE), spec)


def _sidecar_to_gateway(namespace: str, to: ExternalHost, args: ServiceMeshArgs) -> Manifest:
    """Route from a sidecar to the gateway, by the SNI of the process."""
    gateway = {"host": egress_host(args), "subset": subset_name(to), "port": {"number": HTTPS_PORT}}
    route = {"match": [{"port": to.port, "sniHosts": [to.host]}], "route": [{"destination": gateway}]}
    spec = {"hosts": [to.host], "gateways": [MESH_GATEWAY], "exportTo": ONLY_HERE, "tls": [route]}
    return manifest(NETWORKING, "VirtualService", metadata(_route_name(to), namespace), spec)


def _tunnel_subsets(namespace: str, hosts: list[ExternalHost], args: ServiceMeshArgs) -> Manifest:
    """DestinationRule with one subset per host, which sets the host as SNI."""
    subsets = [
        {"name": subset_name(each), "trafficPolicy": {"tls": {"mode": "ISTIO_MUTUAL", "sni": each.host}}}
        for each in hosts
    ]
    spec = {"host": egress_host(args), "exportTo": ONLY_HERE, "subsets": subsets}
    return manifest(NETWORKING, "DestinationRule", metadata(EGRESS_GATEWAY, namespace), spec)


def subset_name(to: ExternalHost) -> str:
    """Name of a host's subset, a DNS label. Source: Istio API, Subset `name`."""
    return f"to-{sha256(to.host.encode()).hexdigest()[:16]}"


def _route_name(to: ExternalHost) -> str:
    return f"egress-{to.host}"
