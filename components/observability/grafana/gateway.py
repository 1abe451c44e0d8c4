"""Exposes Grafana through the ingress gateway: Gateway and VirtualService. Requires HTTPS and login.

Source: Istio API v1, Gateway and VirtualService.
"""

from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.core.names import namespace_name, object_name

NETWORKING: Final = "networking.istio.io/v1"
NAME: Final = "grafana"
SERVICE_PORT: Final = 80
HTTPS_PORT: Final = 443
OLDEST_TLS: Final = "TLSV1_2"
"""Source: RFC 9325, section 3.1.1."""


class GrafanaExposure(Model):
    """Exposure of Grafana through the ingress gateway under the host of `url`."""

    tls_secret: Annotated[str, AfterValidator(object_name)]
    """Secret of type kubernetes.io/tls in the gateway's namespace with the certificate of the host."""

    gateway_namespace: Annotated[str, AfterValidator(namespace_name)] = "istio-ingress"
    """Namespace of the gateway's pods; the default is that of the stack's own gateway."""

    gateway_selector: dict[str, str] = Field(default_factory=lambda: {"istio": "ingress"})
    """Labels of the gateway's pods; the default are those of the stack's own gateway."""

    object_namespace: Annotated[str, AfterValidator(namespace_name)] | None = None
    """Namespace of the Gateway and VirtualService; unset = `gateway_namespace`. Beside an existing gateway a stack sets
    the namespace of monitoring."""


def grafana_route(exposure: GrafanaExposure | None, url: str | None, domain: str) -> list[Manifest]:
    """Gateway and VirtualService, if Grafana is exposed; `domain` of its Service is "monitoring.svc.cluster.local"."""
    if exposure is None or url is None:
        return []
    host, namespace = urlsplit(url).hostname, exposure.object_namespace or exposure.gateway_namespace
    server = {
        "port": {"number": HTTPS_PORT, "name": "https-grafana", "protocol": "HTTPS"},
        "hosts": [host],
        "tls": {"mode": "SIMPLE", "credentialName": exposure.tls_secret, "minProtocolVersion": OLDEST_TLS},
    }
    destination = {"host": f"{NAME}.{domain}", "port": {"number": SERVICE_PORT}}
    route = {"hosts": [host], "gateways": [f"{namespace}/{NAME}"], "http": [{"route": [{"destination": destination}]}]}
    meta = metadata(NAME, namespace)
    gateway = {"selector": dict(exposure.gateway_selector), "servers": [server]}
    return [manifest(NETWORKING, "Gateway", meta, gateway), manifest(NETWORKING, "VirtualService", meta, route)]
