"""NetworkPolicies about what leaves pods: a second wall behind the sidecar, in the kernel of the node.

Arguments in, objects out. What is open: DNS, the control plane, the namespaces of what a service calls, and hosts
outside only where no egress gateway stands between. The addresses of metadata services are closed everywhere. What
arrives is the mesh's to judge (mesh/authorization/policy.py). Needs a network plugin that enforces NetworkPolicies.
Source: Kubernetes, "Network Policies".
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import NAMESPACE_LABEL, Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.cluster.args import ROOT_NAMESPACE
from meshed_mcp.components.mesh.egress.external_hosts import METADATA_BLOCKS
from meshed_mcp.components.mesh.egress.service_entry import declared_hosts
from meshed_mcp.components.mesh.egress.sidecar import imported_hosts
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs

NETWORK: Final = "networking.k8s.io/v1"
DNS_PORT: Final = 53
"""Source: RFC 1035, section 4.2."""

NODE_DNS: Final = "169.254.20.10/32"
"""The cache of DNS answers on each node, where there is one; inside a block that is closed otherwise.

Source: Kubernetes, "Using NodeLocal DNSCache".
"""

CONTROL_PLANE_PORT: Final = 15012
"""Configuration and certificates for sidecars. Source: Istio, "Application Requirements", ports used by Istio."""

CONTROL_PLANE_LABELS: Final = {"app": "istiod"}
"""Source: Istio chart `istiod`, pod labels."""

EVERYWHERE: Final = ("0.0.0.0/0", "::/0")


def network_policy(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """What may leave the pods of a service whose callees are known; without them only the sidecar judges."""
    if args.sidecar_egress_hosts is None:
        return []
    rules = [dns(), control_plane(), *_callees(args), *_outside(args)]
    spec = {
        "podSelector": {"matchLabels": {contract.LABEL_APP: name}},
        "policyTypes": ["Egress"],
        "egress": rules,
    }
    return [manifest(NETWORK, "NetworkPolicy", metadata(f"{name}-egress", args.namespace, standard_labels(name)), spec)]


def gateway_network_policy(namespace: str, selector: dict[str, str]) -> Manifest:
    """What may leave the pods of a gateway to the outside: everything but metadata services."""
    spec = {
        "podSelector": {"matchLabels": dict(selector)},
        "policyTypes": ["Egress"],
        "egress": [dns(), control_plane(), {"to": world()}],
    }
    return manifest(NETWORK, "NetworkPolicy", metadata("outside", namespace), spec)


def dns() -> Manifest:
    """Names: of any pod of the cluster, or of the node's cache."""
    ports = [{"protocol": protocol, "port": DNS_PORT} for protocol in ("UDP", "TCP")]
    return {"to": [{"namespaceSelector": {}}, {"ipBlock": {"cidr": NODE_DNS}}], "ports": ports}


def control_plane() -> Manifest:
    """The sidecar's configuration and certificates."""
    pods = {"namespaceSelector": _named([ROOT_NAMESPACE]), "podSelector": {"matchLabels": dict(CONTROL_PLANE_LABELS)}}
    return {"to": [pods], "ports": [{"protocol": "TCP", "port": CONTROL_PLANE_PORT}]}


def world() -> list[Manifest]:
    """All addresses but those of metadata services, by both versions of IP."""
    return [
        {"ipBlock": {"cidr": cidr, "except": [block for block in METADATA_BLOCKS if (":" in block) == (":" in cidr)]}}
        for cidr in EVERYWHERE
    ]


def _callees(args: MeshedMCPServiceArgs) -> list[Manifest]:
    """Whole namespaces: which port a Service has on its pods is not known here, and the mesh judges by service."""
    references = [entry.split("/") for entry in imported_hosts(args)]
    inside = [place for place, host in references if host == "*" or host.endswith(f".svc.{args.cluster_domain}")]
    names = sorted({args.namespace if place == "." else place for place in inside} - {"~"})
    return [{"to": [{"namespaceSelector": _named(names)}]}] if names else []


def _outside(args: MeshedMCPServiceArgs) -> list[Manifest]:
    """Hosts outside, unless the egress gateway leads to them: that is among the callees."""
    hosts = declared_hosts(args)
    if not hosts or args.egress_gateway:
        return []
    ports = [{"protocol": "TCP", "port": port} for port in sorted({each.port for each in hosts})]
    return [{"to": world(), "ports": ports}]


def _named(namespaces: list[str]) -> Manifest:
    return {"matchExpressions": [{"key": NAMESPACE_LABEL, "operator": "In", "values": namespaces}]}
