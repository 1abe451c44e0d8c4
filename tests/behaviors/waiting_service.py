"""A service whose calls end when the test says so: SIGUSR1 lets `wait` return, `wait_forever` never returns."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcp.server.mcpserver import Context

from meshed_mcp.agents import MCPService

released = asyncio.Event()


@asynccontextmanager
async def lifespan(_: object) -> AsyncIterator[None]:
    """Connect SIGUSR1 to the event."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, released.set)
    yield


service = MCPService("mcp-waiting", lifespan=lifespan)


@service.tool()
def echo(text: str) -> str:
    """Return the text."""
    return text


@service.tool()
async def wait(context: Context) -> str:
    """Report progress, then wait for SIGUSR1."""
    await context.report_progress(1, 2, "waiting")
    await released.wait()
    return "released"


@service.tool()
async def wait_forever() -> str:
    """Never return."""
    never: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    return await never


@service.tool()
def block_a_thread() -> None:
    """Hold a worker thread, which nothing can cancel, far longer than any test."""
    time.sleep(3600)


if __name__ == "__main__":
    service.run()
