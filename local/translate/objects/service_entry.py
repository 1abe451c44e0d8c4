"""ServiceEntry: the hosts outside the mesh that a process may open a TLS connection to.

Source of every name and meaning: Istio API v1, networking.istio.io.
"""

from typing import Literal

from pydantic import Field

from meshed_mcp.local.translate.objects.fields import Fields
from meshed_mcp.local.translate.objects.gateway import PlainHost
from meshed_mcp.local.translate.objects.metadata import Placed


class EntryPort(Fields):
    """The port of the host; TLS passes through unread."""

    number: int
    name: str
    protocol: Literal["TLS"]


class ServiceEntrySpec(Fields):
    """Hosts, found by DNS."""

    hosts: tuple[PlainHost, ...] = Field(min_length=1)
    ports: tuple[EntryPort, ...] = Field(min_length=1)
    location: Literal["MESH_EXTERNAL"] = "MESH_EXTERNAL"
    resolution: Literal["DNS"]
    export_to: tuple[str, ...] = ("*",)


class ServiceEntry(Placed):
    """Hosts outside the mesh."""

    spec: ServiceEntrySpec
