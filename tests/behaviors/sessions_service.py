"""A service with sessions: tools that name the replica, wait, ask the user, and send messages without a request."""

import asyncio
import os
from pathlib import Path

from mcp.server.mcpserver import Context
from pydantic import BaseModel

from meshed_mcp.agents import MCPService

service = MCPService("mcp-sessions")
GATE = Path(os.environ["MESHED_MCP_DATA_DIR"])


class Answer(BaseModel):
    """What the user answers."""

    text: str


@service.tool()
def where() -> int:
    """Process of this replica."""
    return os.getpid()


@service.tool()
async def steps(name: str, context: Context) -> str:
    """Report three steps and wait for the file `name` after the first one."""
    await context.report_progress(1, 3)
    while not (GATE / name).exists():  # noqa: ASYNC110 - the condition is another process's
        await asyncio.sleep(0.02)
    await context.report_progress(2, 3)
    await context.report_progress(3, 3)
    return "done"


@service.tool()
async def ask(question: str, context: Context) -> str:
    """Return what the user answers."""
    found = await context.elicit(question, Answer)
    return found.data.text if found.action == "accept" else found.action


@service.tool()
async def announce(times: int, context: Context) -> str:
    """Send messages that belong to no request."""
    for each in range(times):
        await context.session.send_resource_updated(f"memo://{each}")
    return "sent"


@service.tool()
def large(size: int) -> str:
    """A result of `size` characters."""
    return "x" * size


if __name__ == "__main__":
    service.run()
