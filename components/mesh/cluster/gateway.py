"""The ingress Gateway object, names of the gateways, and the namespaces of the mesh with Pod Security labels."""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.mesh.cluster.args import (
    EGRESS_NAMESPACE,
    ROOT_NAMESPACE,
    ServiceMeshArgs,
    TrafficCapture,
)
from meshed_mcp.components.mesh.cluster.existing import installs_ingress, installs_mesh
from meshed_mcp.components.mesh.cluster.gateway_args import INGRESS_NAMESPACE, IngressGateway
from meshed_mcp.components.mesh.cluster.mode import AMBIENT_LABEL, MeshMode
from meshed_mcp.components.mesh.cluster.revisions import injection_labels
from meshed_mcp.components.mesh.egress.sidecar import EGRESS_SERVICE
from meshed_mcp.components.mesh.routing.virtual_service import NETWORKING
from meshed_mcp.components.mesh.service.addresses import principal

GATEWAY: Final = "mcp"
"""Name of the Gateway object."""

REDIRECT: Final = "mcp-https-redirect"
"""Name of the Gateway and the VirtualService that redirect HTTP to HTTPS."""

PERMANENT_REDIRECT: Final = 308
"""Keeps method and body. Source: RFC 9110, section 15.4.9."""

EGRESS_RELEASE: Final = EGRESS_SERVICE
"""Helm release, Service and ServiceAccount of the egress gateway."""

EGRESS_SELECTOR: Final = {"istio": "egress"}

HTTP_PORT: Final = 80
HTTPS_PORT: Final = 443
"""Ports of the gateway's Service. Source: Istio chart `gateway`, default `service.ports`."""

OLDEST_TLS: Final = "TLSV1_2"
"""Source: RFC 9325, section 3.1.1."""

POD_SECURITY: Final = "pod-security.kubernetes.io"
"""Source: Kubernetes, "Pod Security Admission", label prefix."""


def gateway_reference(args: ServiceMeshArgs | None = None) -> str:
    """The Gateway in the form of `VirtualService.gateways`: "namespace/name"; without `args`, that of the component."""
    if args is not None and args.gateway.name is not None:
        return args.gateway.name
    return f"{INGRESS_NAMESPACE if args is None else gateway_namespace(args)}/{GATEWAY}"


def gateway_namespace(args: ServiceMeshArgs) -> str:
    """Namespace of our Gateway object: that of the gateway, if the program installs it, else the first meshed one."""
    return args.gateway.namespace if installs_ingress(args) else args.namespaces[0]


def gateway_principal(trust_domain: str, gateway: IngressGateway | None = None) -> str:
    """Mesh identity of the ingress gateway."""
    pods = gateway or IngressGateway()
    return principal(pods.service_account, pods.namespace, trust_domain)


def ingress_gateways(args: ServiceMeshArgs) -> list[Manifest]:
    """The ingress Gateway, and the redirect to HTTPS; none for an existing Gateway object, and without a mesh."""
    if args.gateway.name is not None or args.mode is MeshMode.NONE:
        return []
    return [ingress_gateway(args), *https_redirect(args)]


def ingress_gateway(args: ServiceMeshArgs) -> Manifest:
    """Ingress Gateway: HTTPS where there is a certificate, else plain HTTP.

    Hosts with the certificate of the gateway share its server; each other host has a server of its own.
    """
    servers = [gateway_server(shared_hosts(args), args.tls_secret, "")]
    for host, secret in args.hosts.items():
        servers += [] if secret is None else [gateway_server([host], secret, f"-{host.replace('.', '-')}")]
    return gateway_object(args, GATEWAY, servers)


def shared_hosts(args: ServiceMeshArgs) -> list[str]:
    """Hosts with the certificate of the gateway, or without one."""
    return [args.domain, *(host for host, secret in args.hosts.items() if secret is None)]


def gateway_server(hosts: list[str], secret: str | None, suffix: str) -> Manifest:
    """Server of the hosts; names of ports are unique in a Gateway, so further servers have a suffix."""
    if secret is None:
        return {"port": {"number": HTTP_PORT, "name": f"http{suffix}", "protocol": "HTTP"}, "hosts": list(hosts)}
    return {
        "port": {"number": HTTPS_PORT, "name": f"https{suffix}", "protocol": "HTTPS"},
        "hosts": list(hosts),
        "tls": {"mode": "SIMPLE", "credentialName": secret, "minProtocolVersion": OLDEST_TLS},
    }


def https_redirect(args: ServiceMeshArgs) -> list[Manifest]:
    """Gateway for plain HTTP of the hosts with a certificate, and its only route: the redirect to HTTPS.

    `httpsRedirect` of a Gateway always responds with 301, after which clients repeat a POST as a GET without a body.
    The Gateway is one of its own, because the routes of services are attached to the other.
    Source: Istio API, ServerTLSSettings and HTTPRedirect; RFC 9110, sections 15.4.2 and 15.4.9.
    """
    shared = shared_hosts(args) if args.tls_secret is not None else []
    hosts = [*shared, *(host for host, secret in args.hosts.items() if secret is not None)]
    if not hosts:
        return []
    gateway = gateway_object(args, REDIRECT, [gateway_server(hosts, None, "-redirect")])
    namespace = gateway["metadata"]["namespace"]
    rule = {"name": REDIRECT, "redirect": {"scheme": "https", "redirectCode": PERMANENT_REDIRECT}}
    spec = {"hosts": hosts, "gateways": [f"{namespace}/{REDIRECT}"], "http": [rule]}
    return [gateway, manifest(NETWORKING, "VirtualService", metadata(REDIRECT, namespace), spec)]


def gateway_object(args: ServiceMeshArgs, name: str, servers: list[Manifest]) -> Manifest:
    """A Gateway object for the pods of the ingress gateway."""
    pods = args.gateway
    place = {contract.ANNOTATION_GATEWAY_PODS: f"{pods.namespace}/{pods.service_account}"}
    noted = {} if installs_ingress(args) else {"annotations": place}
    meta = metadata(name, gateway_namespace(args), **noted)
    return manifest(NETWORKING, "Gateway", meta, {"selector": dict(pods.selector), "servers": servers})


def namespace_manifests(args: ServiceMeshArgs) -> list[Manifest]:
    """Namespaces of services, and of the control plane and gateways that the program installs, with Pod Security.

    istio-cni needs a privileged root namespace. Without it, every meshed pod has an init container with NET_ADMIN,
    which only the privileged level admits.
    """
    agent = args.traffic_capture is TrafficCapture.CNI
    level = "restricted" if agent or args.mode is MeshMode.NONE else "privileged"
    meshed = {**joining_labels(args), **pod_security_labels(level), **args.namespace_labels}
    root = [_namespace(ROOT_NAMESPACE, pod_security_labels("privileged" if agent else "baseline"))]
    ingress = [_namespace(INGRESS_NAMESPACE, pod_security_labels("baseline"))]
    egress = [] if args.egress_gateway is None else [_namespace(EGRESS_NAMESPACE, pod_security_labels("baseline"))]
    return [
        *(root if installs_mesh(args) else []),
        *(ingress if installs_ingress(args) else []),
        *egress,
        *(_namespace(name, meshed) for name in args.namespaces),
    ]


def joining_labels(args: ServiceMeshArgs) -> dict[str, str]:
    """Labels by which the pods of a namespace join the mesh."""
    match args.mode:
        case MeshMode.SIDECAR:
            return injection_labels(args)
        case MeshMode.AMBIENT:
            return dict(AMBIENT_LABEL)
        case MeshMode.NONE:
            return {}


def pod_security_labels(level: str) -> dict[str, str]:
    """Labels that enforce `level`, and warn about and audit pods beyond `restricted`."""
    return {
        f"{POD_SECURITY}/enforce": level,
        f"{POD_SECURITY}/warn": "restricted",
        f"{POD_SECURITY}/audit": "restricted",
    }


def _namespace(name: str, labels: dict[str, str]) -> Manifest:
    meta = metadata(name)
    return manifest("v1", "Namespace", meta | {"labels": meta["labels"] | labels})
