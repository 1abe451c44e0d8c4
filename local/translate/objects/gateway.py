"""Gateway and ServiceEntry: served hosts, and external hosts."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from meshed_mcp.error_codes.local import VALUE_NOT_RUN
from meshed_mcp.local.translate.objects.fields import Fields, Placed


def _plain(host: str) -> str:
    if "*" in host or "/" in host:
        raise VALUE_NOT_RUN.error(value=host, known="one host name, without namespace")
    return host


PlainHost = Annotated[str, AfterValidator(_plain)]


class ServerPort(Fields):
    """Port in the cluster; the local gateway listens on the port of the command."""

    number: int
    name: str
    protocol: Literal["HTTP", "HTTPS"]


class ServerTLS(Fields):
    """TLS of clients, without effect: the local gateway uses plain HTTP on loopback."""

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
    """Servers of the selected proxies."""

    selector: dict[str, str]
    servers: tuple[Server, ...] = Field(min_length=1)


class Gateway(Placed):
    """Ingress gateway."""

    spec: GatewaySpec


class EntryPort(Fields):
    """Port of an external host; TLS passes through."""

    number: int
    name: str
    protocol: Literal["TLS", "HTTP"]


class ServiceEntrySpec(Fields):
    """External hosts, resolved by DNS."""

    hosts: tuple[PlainHost, ...] = Field(min_length=1)
    ports: tuple[EntryPort, ...] = Field(min_length=1)
    location: Literal["MESH_EXTERNAL"] = "MESH_EXTERNAL"
    resolution: Literal["DNS"]
    export_to: tuple[str, ...] = ("*",)


class ServiceEntry(Placed):
    """External hosts."""

    spec: ServiceEntrySpec
