"""The ingress Gateway object, names of the gateways, and the namespaces of the mesh with Pod Security labels."""

from typing import Final

from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.mesh.cluster.args import (
    EGRESS_NAMESPACE,
    INGRESS_NAMESPACE,
    ROOT_NAMESPACE,
    ServiceMeshArgs,
    TrafficCapture,
)
from meshed_mcp.components.mesh.cluster.mode import AMBIENT_LABEL, MeshMode
from meshed_mcp.components.mesh.cluster.revisions import injection_labels
from meshed_mcp.components.mesh.egress.sidecar import EGRESS_SERVICE
from meshed_mcp.components.mesh.routing.virtual_service import NETWORKING
from meshed_mcp.components.mesh.service.addresses import principal

GATEWAY: Final = "mcp"
"""Name of the Gateway object."""

INGRESS_RELEASE: Final = "istio-ingress"
"""Helm release, Service and ServiceAccount of the gateway. Source: Istio chart `gateway`, `gateway.name`."""

EGRESS_RELEASE: Final = EGRESS_SERVICE
"""Helm release, Service and ServiceAccount of the egress gateway."""

EGRESS_SELECTOR: Final = {"istio": "egress"}

INGRESS_SELECTOR: Final = {"istio": "ingress"}
"""Pod label: the release name without `istio-`. Source: Istio chart `gateway`, `gateway.selectorLabels`."""

HTTP_PORT: Final = 80
HTTPS_PORT: Final = 443
"""Ports of the gateway's Service. Source: Istio chart `gateway`, default `service.ports`."""

OLDEST_TLS: Final = "TLSV1_2"
"""Source: RFC 9325, section 3.1.1."""

POD_SECURITY: Final = "pod-security.kubernetes.io"
"""Source: Kubernetes, "Pod Security Admission", label prefix."""


def gateway_reference() -> str:
    """The Gateway in the form of `VirtualService.gateways`: "namespace/name"."""
    return f"{INGRESS_NAMESPACE}/{GATEWAY}"


def gateway_principal(trust_domain: str) -> str:
    """Mesh identity of the ingress gateway."""
    return principal(INGRESS_RELEASE, INGRESS_NAMESPACE, trust_domain)


def ingress_gateway(args: ServiceMeshArgs) -> Manifest:
    """Ingress Gateway: HTTPS with a redirect from HTTP if there is a certificate, else plain HTTP."""
    http = {"port": {"number": HTTP_PORT, "name": "http", "protocol": "HTTP"}, "hosts": [args.domain]}
    servers = [http]
    if args.tls_secret is not None:
        https = {
            "port": {"number": HTTPS_PORT, "name": "https", "protocol": "HTTPS"},
            "hosts": [args.domain],
            "tls": {"mode": "SIMPLE", "credentialName": args.tls_secret, "minProtocolVersion": OLDEST_TLS},
        }
        servers = [http | {"tls": {"httpsRedirect": True}}, https]
    meta = metadata(GATEWAY, INGRESS_NAMESPACE)
    return manifest(NETWORKING, "Gateway", meta, {"selector": dict(INGRESS_SELECTOR), "servers": servers})


def namespace_manifests(args: ServiceMeshArgs) -> list[Manifest]:
    """Namespaces of the control plane, the gateways and the services, with their Pod Security levels.

    istio-cni needs a privileged root namespace. Without it, every meshed pod has an init container with NET_ADMIN,
    which only the privileged level admits.
    """
    agent = args.traffic_capture is TrafficCapture.CNI
    ambient = args.mode is MeshMode.AMBIENT
    joined = dict(AMBIENT_LABEL) if ambient else injection_labels(args)
    meshed = {**joined, **pod_security_labels("restricted" if agent else "privileged")}
    egress = [] if args.egress_gateway is None else [_namespace(EGRESS_NAMESPACE, pod_security_labels("baseline"))]
    return [
        _namespace(ROOT_NAMESPACE, pod_security_labels("privileged" if agent else "baseline")),
        _namespace(INGRESS_NAMESPACE, pod_security_labels("baseline")),
        *egress,
        *(_namespace(name, meshed) for name in args.namespaces),
    ]


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
