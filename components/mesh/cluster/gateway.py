"""The ingress gateway's Istio object, its names, and the namespaces of the mesh.

Arguments in, objects out; other modules take the gateway's names from here. Not here: the gateway's pods
(gateway_pods.py), routes to services (mesh/routing/virtual_service.py).
"""

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
"""Helm release of the gateway's pods; also the name of their Service and ServiceAccount.

Source: Istio chart `gateway`, `gateway.name` and `gateway.serviceAccountName`.
"""

EGRESS_RELEASE: Final = EGRESS_SERVICE
"""Helm release of the egress gateway's pods; also the name of their Service and ServiceAccount."""

EGRESS_SELECTOR: Final = {"istio": "egress"}

INGRESS_SELECTOR: Final = {"istio": "ingress"}
"""Label of the gateway's pods: the release's name without `istio-`.

Source: Istio chart `gateway`, `gateway.selectorLabels`.
"""

HTTP_PORT: Final = 80
HTTPS_PORT: Final = 443
"""Ports of the gateway's Service. Source: Istio chart `gateway`, default `service.ports`."""

OLDEST_TLS: Final = "TLSV1_2"
"""Source: RFC 9325, section 3.1.1: older versions must not be negotiated."""

POD_SECURITY: Final = "pod-security.kubernetes.io"
"""Source: Kubernetes, "Pod Security Admission", label prefix."""


def gateway_reference() -> str:
    """The Gateway as routes name it: "namespace/name"."""
    return f"{INGRESS_NAMESPACE}/{GATEWAY}"


def gateway_principal(trust_domain: str) -> str:
    """Mesh identity of the gateway's pods."""
    return principal(INGRESS_RELEASE, INGRESS_NAMESPACE, trust_domain)


def gateway(args: ServiceMeshArgs) -> Manifest:
    """The one door into the mesh: HTTPS with a redirect where there is a certificate, plain HTTP otherwise."""
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


def namespaces(args: ServiceMeshArgs) -> list[Manifest]:
    """The control plane's namespace, the gateway's, and those of the services, each with its Pod Security level.

    With the node agent, the control plane's namespace must hold privileged pods and the services' none; without it
    every meshed pod has an init container with NET_ADMIN, which only the privileged level admits.
    """
    agent = args.traffic_capture is TrafficCapture.CNI
    ambient = args.mode is MeshMode.AMBIENT
    joined = dict(AMBIENT_LABEL) if ambient else injection_labels(args)
    meshed = {**joined, **pod_security("restricted" if agent else "privileged")}
    egress = [] if args.egress_gateway is None else [_namespace(EGRESS_NAMESPACE, pod_security("baseline"))]
    return [
        _namespace(ROOT_NAMESPACE, pod_security("privileged" if agent else "baseline")),
        _namespace(INGRESS_NAMESPACE, pod_security("baseline")),
        *egress,
        *(_namespace(name, meshed) for name in args.namespaces),
    ]


def pod_security(level: str) -> dict[str, str]:
    """Labels that refuse pods beyond `level` and report those beyond `restricted`."""
    return {
        f"{POD_SECURITY}/enforce": level,
        f"{POD_SECURITY}/warn": "restricted",
        f"{POD_SECURITY}/audit": "restricted",
    }


def _namespace(name: str, labels: dict[str, str]) -> Manifest:
    meta = metadata(name)
    return manifest("v1", "Namespace", meta | {"labels": meta["labels"] | labels})
