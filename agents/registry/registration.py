"""Registration of an `MCPServer` in the registry: what it publishes, and validation of its settings."""

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
from meshed_mcp.agents.registry.lease import HeartbeatTiming, maintain_lease
from meshed_mcp.agents.registry.model import DEFAULT_LEASE_SECONDS, MAX_LEASE_SECONDS, ServerEntry, server_entry
from meshed_mcp.agents.settings import Settings, SettingsError
from meshed_mcp.error_codes.code import Message
from meshed_mcp.error_codes.runtime import ENTRY_NOT_ACCEPTED, INVALID_LEASE, INVALID_REGISTRY_URL

ENV_LEASE_SECONDS: Final = "MESHED_MCP_LEASE_SECONDS"  # lease in whole seconds, 1 to 3600
MAX_VALUE_CHARACTERS: Final = 60  # characters of a value that an error repeats
UNVERSIONED: Final = "0.0.0"  # version of a server without one; the registry requires a version

_ADVICE: Final[Mapping[str, str]] = {
    "name": f"set {contract.ENV_NAMESPACE} and {contract.ENV_SERVICE} to names such as mcp-system and mcp-rag",
    "version": "set MCPService(version=...) to at most 255 printable ASCII characters without spaces and '/', as 1.0.0",
    "remotes": f"set {contract.ENV_SERVICE} to a host name, as mcp-rag",
    "_meta": "use at most 1000 tools, each with a name of at most 128 characters",
}
"""What to set instead, by the rejected field of a `server.json`."""


def registration(
    server: MCPServer[Any], settings: Settings, metrics: CollectorRegistry, environment: Mapping[str, str] = os.environ
) -> AbstractAsyncContextManager[None] | None:
    """Return the server's lease at `settings.registry_url`; None without a URL.

    Raises SettingsError for a URL, name or version that the registry never accepts. `metrics` gets the time of the last
    acknowledged heartbeat.
    """
    if settings.registry_url is None:
        return None
    seconds = lease_seconds(environment)
    _validate(server, settings, settings.registry_url)

    async def describe() -> ServerEntry:
        try:
            return await current_entry(server, settings)
        except ValidationError as error:  # tools that were added at runtime
            raise RegistryError(_violation(error)) from None

    heartbeat = Gauge(
        contract.METRIC_HEARTBEAT,
        "Time of the last renewal of the lease in the registry, Unix seconds.",
        registry=metrics,
    )
    heartbeat.set_to_current_time()
    timing = HeartbeatTiming(on_heartbeat=heartbeat.set_to_current_time)
    return maintain_lease(settings.registry_url, describe, lease_seconds=seconds, timing=timing, metrics=metrics)


def lease_seconds(environment: Mapping[str, str]) -> int:
    """Return the lease, 30 s by default. Raises SettingsError."""
    written = environment.get(ENV_LEASE_SECONDS) or str(DEFAULT_LEASE_SECONDS)
    if written.isascii() and written.isdigit() and 1 <= int(written) <= MAX_LEASE_SECONDS:
        return int(written)
    raise SettingsError(INVALID_LEASE.message(variable=ENV_LEASE_SECONDS, written=written, most=MAX_LEASE_SECONDS))


async def current_entry(server: MCPServer[Any], settings: Settings) -> ServerEntry:
    """Return the server's current entry, with the name and port of its Kubernetes Service."""
    return _entry(server, settings, await server.list_tools())


def _entry(server: MCPServer[Any], settings: Settings, tools: Sequence[Tool]) -> ServerEntry:
    return server_entry(
        f"{settings.namespace}/{settings.service}",
        server.version or UNVERSIONED,
        f"http://{settings.service}:{contract.MCP_PORT}{settings.path}",
        description=server.description or server.title or settings.service,
        tools=tools,
    )


def _validate(server: MCPServer[Any], settings: Settings, url: str) -> None:
    """Raise SettingsError for an invalid URL, name or version; each heartbeat validates the tools."""
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
    """Return the first violation in one line: field, value and what to set instead."""
    first = error.errors()[0]
    location = first["loc"] or ("_meta",)  # empty for a tool, which is validated separately
    advice = _ADVICE.get(str(location[0]), _ADVICE["_meta"])
    found = f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    shown = f" (got {str(first['input'])[:MAX_VALUE_CHARACTERS]!r})" if isinstance(first["input"], str) else ""
    return ENTRY_NOT_ACCEPTED.message(found=f"{found}{shown}", advice=advice)
