"""Gateway: the hosts that the local gateway serves.

Source of every name and meaning: Istio API v1, networking.istio.io.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from meshed_mcp.error_codes.local import VALUE_NOT_RUN
from meshed_mcp.local.translate.objects.fields import Fields
from meshed_mcp.local.translate.objects.metadata import Placed


def _plain(host: str) -> str:
    if "*" in host or "/" in host:
        raise VALUE_NOT_RUN.error(value=host, known="one host name, without namespace")
    return host


PlainHost = Annotated[str, AfterValidator(_plain)]


class ServerPort(Fields):
    """The port in the cluster; on this machine the gateway listens where the command says."""

    number: int
    name: str
    protocol: Literal["HTTP", "HTTPS"]


class ServerTLS(Fields):
    """TLS towards clients: without effect here, the gateway speaks plain HTTP on loopback."""

    mode: Literal["SIMPLE"] | None = None
    credential_name: str | None = None
    https_redirect: bool = False
    min_protocol_version: Literal["TLSV1_2", "TLSV1_3"] | None = Field(default=None, alias="minProtocolVersion")


class Server(Fields):
    """One port of a gateway and the hosts it serves."""

    port: ServerPort
    name: str | None = None
    hosts: tuple[PlainHost, ...] = Field(min_length=1)
    tls: ServerTLS = ServerTLS()


class GatewaySpec(Fields):
    """Servers on the proxies that the selector finds."""

    selector: dict[str, str]
    servers: tuple[Server, ...] = Field(min_length=1)


class Gateway(Placed):
    """The way in."""

    spec: GatewaySpec
