"""Egress NetworkPolicies of services and gateways: defense in depth below the sidecar.

Allowed are DNS, the control plane, the namespaces of declared destinations, and external hosts unless an egress gateway
is in between. Metadata services are blocked, except the endpoints of an annotated
workload identity. Needs a network plugin that enforces NetworkPolicies.
Source: Kubernetes, "Network Policies".
"""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import NAMESPACE_LABEL, Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.cluster.args import ROOT_NAMESPACE
from meshed_mcp.components.mesh.cluster.mode import MeshMode
from meshed_mcp.components.mesh.egress.destinations import METADATA_BLOCKS
from meshed_mcp.components.mesh.egress.proxy import proxy_rule
from meshed_mcp.components.mesh.egress.proxy_args import direct_hosts
from meshed_mcp.components.mesh.egress.service_entry import declared_hosts
from meshed_mcp.components.mesh.egress.sidecar import sidecar_hosts
from meshed_mcp.components.mesh.egress.workload_identity import identity_egress
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs

NETWORK: Final = "networking.k8s.io/v1"
DNS_PORT: Final = 53
"""Source: RFC 1035, section 4.2."""

NODE_DNS: Final = ("169.254.20.10/32", "fd00::/8")
"""NodeLocal DNSCache: in a block that is otherwise closed, and an address of the operator's choice over IPv6, of which
metadata services stay closed. Source: Kubernetes, "Using NodeLocal DNSCache"."""

CONTROL_PLANE_PORT: Final = 15012
"""Configuration and certificates for sidecars. Source: Istio, "Application Requirements", ports used by Istio."""

CONTROL_PLANE_LABELS: Final = {"app": "istiod"}
"""Source: Istio chart `istiod`, pod labels."""

EVERYWHERE: Final = ("0.0.0.0/0", "::/0")


def network_policy(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """Egress policy of a service with known destinations; none otherwise, where only the sidecar restricts egress."""
    if args.sidecar_egress_hosts is None:
        return []
    rules = [dns_rule(), *control_plane_rules(args), *_cluster_destinations(args), *_external_destinations(args)]
    rules += api_server_rules(args)
    rules += proxy_rule(args, external_blocks())
    rules += identity_egress(args.identity_annotations, args.platform)
    spec = {"podSelector": {"matchLabels": {contract.LABEL_APP: name}}, "policyTypes": ["Egress"], "egress": rules}
    return [manifest(NETWORK, "NetworkPolicy", metadata(f"{name}-egress", args.namespace, standard_labels(name)), spec)]


def gateway_network_policy(namespace: str, selector: dict[str, str], root_namespace: str) -> Manifest:
    """Egress policy of a gateway with external routes: everything but metadata services."""
    spec = {
        "podSelector": {"matchLabels": dict(selector)},
        "policyTypes": ["Egress"],
        "egress": [dns_rule(), control_plane_rule(root_namespace), {"to": external_blocks()}],
    }
    return manifest(NETWORK, "NetworkPolicy", metadata("outside", namespace), spec)


def dns_rule() -> Manifest:
    """DNS at any pod of the cluster and at the node's cache."""
    ports = [{"protocol": protocol, "port": DNS_PORT} for protocol in ("UDP", "TCP")]
    return {"to": [{"namespaceSelector": {}}, *({"ipBlock": open_block(cidr)} for cidr in NODE_DNS)], "ports": ports}


def control_plane_rules(args: MeshedMCPServiceArgs) -> list[Manifest]:
    """The way to istiod of pods in a mesh."""
    if args.mode is MeshMode.NONE:
        return []
    return [control_plane_rule(ROOT_NAMESPACE if args.existing_mesh is None else args.existing_mesh.root_namespace)]


def control_plane_rule(root_namespace: str) -> Manifest:
    """istiod: configuration and certificates of the sidecar."""
    pods = {"namespaceSelector": _named([root_namespace]), "podSelector": {"matchLabels": dict(CONTROL_PLANE_LABELS)}}
    return {"to": [pods], "ports": [{"protocol": "TCP", "port": CONTROL_PLANE_PORT}]}


def external_blocks() -> list[Manifest]:
    """All IPv4 and IPv6 addresses except those of metadata services."""
    return [{"ipBlock": open_block(cidr)} for cidr in EVERYWHERE]


def open_block(cidr: str) -> Manifest:
    """An ipBlock without the metadata services in it. Source: Kubernetes, IPBlock: exceptions lie inside the block."""
    network = ip_network(cidr)
    closed = [block for block in METADATA_BLOCKS if _holds(network, ip_network(block))]
    return {"cidr": cidr, "except": closed} if closed else {"cidr": cidr}


def _holds(network: IPv4Network | IPv6Network, block: IPv4Network | IPv6Network) -> bool:
    if isinstance(network, IPv4Network):
        return isinstance(block, IPv4Network) and block.subnet_of(network)
    return isinstance(block, IPv6Network) and block.subnet_of(network)


def _cluster_destinations(args: MeshedMCPServiceArgs) -> list[Manifest]:
    """Whole namespaces: the pod ports of a Service are unknown here, and the mesh authorizes by service."""
    references = [entry.split("/") for entry in sidecar_hosts(args)]
    suffix = f".svc.{args.cluster_domain}"
    references = [each for each in references if each != ["default", f"kubernetes.default{suffix}"]]
    inside = [namespace for namespace, host in references if host == "*" or host.endswith(suffix)]
    names = sorted({args.namespace if each == "." else each for each in inside} - {"~"})
    return [{"to": [{"namespaceSelector": _named(names)}]}] if names else []


API_SERVER_PORTS: Final = (443, 6443, 8443, 16443)
"""Ports of API servers: managed clusters, kubeadm and k3s, minikube and OpenShift's internal one, MicroK8s."""


def api_server_rules(args: MeshedMCPServiceArgs) -> list[Manifest]:
    """The API server, for pods with a token: no pod and no namespace selects it, and its addresses are unknown here.

    The rule sees addresses behind the Service `kubernetes`. The sidecar still limits the hosts.
    """
    if not args.service_account.token:
        return []
    return [{"to": external_blocks(), "ports": [{"protocol": "TCP", "port": port} for port in API_SERVER_PORTS]}]


def _external_destinations(args: MeshedMCPServiceArgs) -> list[Manifest]:
    """Direct external hosts, unless they are behind the egress gateway, which is a cluster destination."""
    hosts = direct_hosts(declared_hosts(args), args.egress_proxy)
    if not hosts or args.egress_gateway:
        return []
    ports = [{"protocol": "TCP", "port": port} for port in sorted({each.port for each in hosts})]
    return [{"to": external_blocks(), "ports": ports}]


def _named(namespaces: list[str]) -> Manifest:
    return {"matchExpressions": [{"key": NAMESPACE_LABEL, "operator": "In", "values": namespaces}]}
