"""The registration of one `MCPServer` for the time it is ready: what it publishes of itself, and where.

In: the server and its settings. Out: the registration that `agents/http/server.py` enters, or None without a registry.
Not here: heartbeats (lease.py), the form of an entry (model.py).
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import httpx
from mcp.server import MCPServer
from mcp_types import Tool
from prometheus_client import CollectorRegistry, Gauge
from pydantic import HttpUrl, ValidationError

from meshed_mcp import contract
from meshed_mcp.agents.registry.client import RegistryError
from meshed_mcp.agents.registry.lease import Pace, registered
from meshed_mcp.agents.registry.model import DEFAULT_LEASE_SECONDS, MAX_LEASE_SECONDS, ServerEntry, server_entry
from meshed_mcp.agents.settings import Settings, SettingsError
from meshed_mcp.contract import MCP_PATH, MCP_PORT
from meshed_mcp.error_codes.code import Message
from meshed_mcp.error_codes.runtime import ENTRY_NOT_ACCEPTED, INVALID_LEASE, INVALID_REGISTRY_URL

ENV_LEASE_SECONDS: Final = "MESHED_MCP_LEASE_SECONDS"
"""Whole seconds, 1 to 3600, after which the registry forgets a server that was killed."""

VALUE_CHARACTERS: Final = 60
"""Part of a value that an error repeats."""

UNVERSIONED: Final = "0.0.0"
"""Version of a server that names none; the registry needs one."""


_ADVICE: Final[Mapping[str, str]] = {
    "name": f"set {contract.ENV_NAMESPACE} and {contract.ENV_SERVICE} to names such as mcp-system and mcp-rag",
    "version": "set MCPService(version=...) to at most 255 printable ASCII characters without spaces and '/', as 1.0.0",
    "remotes": f"set {contract.ENV_SERVICE} to a host name, as mcp-rag",
    "_meta": "use at most 1000 tools, each with a name of at most 128 characters",
}
"""What to set instead, by the field of a `server.json` that the registry does not accept."""


def registration(
    server: MCPServer[Any],
    settings: Settings,
    metrics: CollectorRegistry,
    environment: Mapping[str, str] = os.environ,
) -> AbstractAsyncContextManager[None] | None:
    """Return the server's registration at `settings.registry_url`, None where none is set.

    Raises SettingsError where the registry would not accept the server's name or version, which no retry can cure.
    `metrics` shows when the registry last heard of it.
    """
    if settings.registry_url is None:
        return None
    seconds = lease_seconds(environment)
    _check(server, settings, settings.registry_url)

    async def describe() -> ServerEntry:
        try:
            return await entry_of(server, settings)
        except ValidationError as error:  # tools that were added, or a list of tools that the server makes itself
            raise RegistryError(_violation(error)) from None

    heartbeat = Gauge(contract.METRIC_HEARTBEAT, "When the lease in the registry was last renewed.", registry=metrics)
    heartbeat.set_to_current_time()
    pace = Pace(heard=heartbeat.set_to_current_time)
    return registered(settings.registry_url, describe, lease_seconds=seconds, pace=pace, metrics=metrics)


def lease_seconds(environment: Mapping[str, str]) -> int:
    """Return the length of the lease, 30 s where the environment names none. Raises SettingsError."""
    written = environment.get(ENV_LEASE_SECONDS) or str(DEFAULT_LEASE_SECONDS)
    if written.isascii() and written.isdigit() and 1 <= int(written) <= MAX_LEASE_SECONDS:
        return int(written)
    raise SettingsError(INVALID_LEASE.message(variable=ENV_LEASE_SECONDS, written=written, most=MAX_LEASE_SECONDS))


async def entry_of(server: MCPServer[Any], settings: Settings) -> ServerEntry:
    """Entry of the server as it is now, under its name in the mesh: that of its Service, on the Service's port."""
    return _entry(server, settings, await server.list_tools())


def _entry(server: MCPServer[Any], settings: Settings, tools: Sequence[Tool]) -> ServerEntry:
    return server_entry(
        f"{settings.namespace}/{settings.service}",
        server.version or UNVERSIONED,
        f"http://{settings.service}:{MCP_PORT}{MCP_PATH}",
        description=server.description or server.title or settings.service,
        tools=tools,
    )


def _check(server: MCPServer[Any], settings: Settings, url: str) -> None:
    """Raise SettingsError for what the registry never accepts; tools are checked with each heartbeat."""
    try:
        httpx.URL(url)
        HttpUrl(url)
    except (httpx.InvalidURL, ValueError):
        raise SettingsError(INVALID_REGISTRY_URL.message(variable=contract.ENV_REGISTRY_URL, url=url)) from None
    try:
        _entry(server, settings, ())
    except ValidationError as error:
        raise SettingsError(_violation(error)) from None


def _violation(error: ValidationError) -> Message:
    """The first violation of an entry: its field, its value, and what to set instead. One line."""
    first = error.errors()[0]
    place = first["loc"] or ("_meta",)  # of a tool, which is a model of its own
    advice = _ADVICE.get(str(place[0]), _ADVICE["_meta"])
    found = f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    shown = f" (got {str(first['input'])[:VALUE_CHARACTERS]!r})" if isinstance(first["input"], str) else ""
    return ENTRY_NOT_ACCEPTED.message(found=f"{found}{shown}", advice=advice)
