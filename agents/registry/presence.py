"""The registration of one `MCPServer` for the time it is ready: what it publishes of itself, and where.

In: the server and its settings. Out: the presence that `agents/serving.py` enters, or None without a registry.
Not here: heartbeats (lease.py), the form of an entry (model.py).
"""

import os
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from mcp.server import MCPServer
from prometheus_client import CollectorRegistry, Gauge

from meshed_mcp import contract
from meshed_mcp.agents.registry.lease import Pace, registered
from meshed_mcp.agents.registry.model import DEFAULT_LEASE_SECONDS, MAX_LEASE_SECONDS, ServerEntry, server_entry
from meshed_mcp.agents.settings import Settings, SettingsError
from meshed_mcp.contract import MCP_PATH, MCP_PORT

ENV_LEASE_SECONDS: Final = "MESHED_MCP_LEASE_SECONDS"
"""Whole seconds, 1 to 3600, after which the registry forgets a server that was killed."""

UNVERSIONED: Final = "0.0.0"
"""Version of a server that names none; the registry needs one."""


def presence(
    server: MCPServer[Any],
    settings: Settings,
    metrics: CollectorRegistry,
    environment: Mapping[str, str] = os.environ,
) -> AbstractAsyncContextManager[None] | None:
    """Return the server's registration at `settings.registry_url`, None where none is set. Raises SettingsError.

    `metrics` shows when the registry last heard of it.
    """
    if settings.registry_url is None:
        return None
    seconds = lease_seconds(environment)

    async def describe() -> ServerEntry:
        return await entry_of(server, settings)

    heartbeat = Gauge(contract.METRIC_HEARTBEAT, "When the lease in the registry was last renewed.", registry=metrics)
    heartbeat.set_to_current_time()
    pace = Pace(heard=heartbeat.set_to_current_time)
    return registered(settings.registry_url, describe, lease_seconds=seconds, pace=pace)


def lease_seconds(environment: Mapping[str, str]) -> int:
    """Return the length of the lease, 30 s where the environment names none. Raises SettingsError."""
    written = environment.get(ENV_LEASE_SECONDS) or str(DEFAULT_LEASE_SECONDS)
    if written.isascii() and written.isdigit() and 1 <= int(written) <= MAX_LEASE_SECONDS:
        return int(written)
    raise SettingsError(
        f"{ENV_LEASE_SECONDS}={written!r} is not usable. Write whole seconds, 1 to {MAX_LEASE_SECONDS}."
    )


async def entry_of(server: MCPServer[Any], settings: Settings) -> ServerEntry:
    """Entry of the server as it is now, under its name in the mesh: that of its Service, on the Service's port."""
    return server_entry(
        f"{settings.namespace}/{settings.service}",
        server.version or UNVERSIONED,
        f"http://{settings.service}:{MCP_PORT}{MCP_PATH}",
        description=server.description or server.title or settings.service,
        tools=await server.list_tools(),
    )
