"""The way of people to Grafana: a Gateway of its own host at the mesh's ingress pods, a route, a wall that lets it in.

Arguments in, objects out; registered when mesh and monitoring are there. Only with HTTPS and a log-in at an identity
provider. Not here: the log-in (`login.py`), the gateway's pods (the mesh's).
Source: Istio API v1, Gateway and VirtualService.
"""

from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.core.names import namespace_name, object_name

NETWORKING: Final = "networking.istio.io/v1"
NAME: Final = "grafana"
SERVICE_PORT: Final = 80
HTTPS_PORT: Final = 443
OLDEST_TLS: Final = "TLSV1_2"
"""Source: RFC 9325, section 3.1.1."""


class GrafanaExposure(Model):
    """Grafana at the ingress gateway of the mesh, under the host of `url`."""

    tls_secret: Annotated[str, AfterValidator(object_name)]
    """Secret of type kubernetes.io/tls in the gateway's namespace, with a certificate for that host."""

    gateway_namespace: Annotated[str, AfterValidator(namespace_name)] = "istio-ingress"
    """Namespace of the gateway's pods; the default is the stack's own gateway."""

    gateway_selector: dict[str, str] = Field(default_factory=lambda: {"istio": "ingress"})
    """Labels of the gateway's pods; the default are those of the stack's own."""


def grafana_route(exposure: GrafanaExposure | None, url: str | None, place_of_grafana: str) -> list[Manifest]:
    """Gateway and VirtualService; nothing where Grafana is not exposed.

    `place_of_grafana`: its namespace with the cluster's domain, "monitoring.svc.cluster.local".
    """
    if exposure is None or url is None:
        return []
    host, place = urlsplit(url).hostname, exposure.gateway_namespace
    server = {
        "port": {"number": HTTPS_PORT, "name": "https-grafana", "protocol": "HTTPS"},
        "hosts": [host],
        "tls": {"mode": "SIMPLE", "credentialName": exposure.tls_secret, "minProtocolVersion": OLDEST_TLS},
    }
    destination = {"host": f"{NAME}.{place_of_grafana}", "port": {"number": SERVICE_PORT}}
    route = {"hosts": [host], "gateways": [f"{place}/{NAME}"], "http": [{"route": [{"destination": destination}]}]}
    meta = metadata(NAME, place, labels=standard_labels(NAME))
    gateway = {"selector": dict(exposure.gateway_selector), "servers": [server]}
    return [
        manifest(NETWORKING, "Gateway", meta, gateway),
        manifest(NETWORKING, "VirtualService", meta, route),
    ]
