"""The registration of one `MCPServer` for the time it is ready: what it publishes of itself, and where.

In: the server and its settings. Out: the presence that `agents/serving.py` enters, or None without a registry.
Not here: heartbeats (lease.py), the form of an entry (model.py).
"""

from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from mcp.server import MCPServer

from meshed_mcp.agents.registry.lease import registered
from meshed_mcp.agents.registry.model import ServerEntry, server_entry
from meshed_mcp.agents.settings import Settings
from meshed_mcp.contract import MCP_PATH, MCP_PORT

UNVERSIONED: Final = "0.0.0"
"""Version of a server that names none; the registry needs one."""


def presence(server: MCPServer[Any], settings: Settings) -> AbstractAsyncContextManager[None] | None:
    """Return the server's registration at `settings.registry_url`, None where none is set."""
    if settings.registry_url is None:
        return None

    async def describe() -> ServerEntry:
        return await entry_of(server, settings)

    return registered(settings.registry_url, describe)


async def entry_of(server: MCPServer[Any], settings: Settings) -> ServerEntry:
    """Entry of the server as it is now, under its name in the mesh: that of its Service, on the Service's port."""
    return server_entry(
        f"{settings.namespace}/{settings.service}",
        server.version or UNVERSIONED,
        f"http://{settings.service}:{MCP_PORT}{MCP_PATH}",
        description=server.description or server.title or settings.service,
        tools=await server.list_tools(),
    )
