"""MCP server of the test of IP families: tools for single callers, and one that ends when the test says so."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcp.server.mcpserver import Context

from meshed_mcp.agents import MCPService, caller_of

released = asyncio.Event()


@asynccontextmanager
async def lifespan(_: object) -> AsyncIterator[None]:
    """Connect SIGUSR1 to the event."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, released.set)
    yield


service = MCPService("vault", lifespan=lifespan)


@service.tool()
def delete() -> str:
    """One caller is authorized."""
    return "deleted"


@service.tool()
def whoami(context: Context) -> str:
    """Return the caller."""
    return str(caller_of(context.request_context.request))


@service.tool()
async def wait() -> str:
    """Wait for SIGUSR1."""
    await released.wait()
    return "released"


if __name__ == "__main__":
    service.run()
