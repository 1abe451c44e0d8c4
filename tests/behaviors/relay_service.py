"""MCP service whose tools call another service, and tell who calls."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp.server import MCPServer
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.mcpserver import Context
from mcp_types import TextContent, ToolAnnotations

from meshed_mcp.agents import MCPService, ServiceClient

TARGET = "TARGET"
"""Variable with the URL of the other service; unset = none."""

CALL_AT_START = "CALL_AT_START"


@asynccontextmanager
async def clients(_: MCPServer[Any]) -> AsyncIterator[ServiceClient]:
    """A client of the other service."""
    target = os.environ.get(TARGET, "http://127.0.0.1:1/mcp")
    async with ServiceClient(target, mode=os.environ.get("MODE", "2026-07-28"), metrics=service.metrics) as client:
        if CALL_AT_START in os.environ:
            try:
                await client.call_tool("who", {})
            except Exception as error:  # noqa: BLE001 - the test reads its log line
                service.started = str(error)
        yield client


class Relay(MCPService[ServiceClient]):
    """A service that remembers the error of its start."""

    started: str = ""


service = Relay(os.environ.get("MESHED_MCP_SERVICE", "relay"), lifespan=clients)


@service.tool(annotations=ToolAnnotations(read_only_hint=True))
def who() -> str:
    """Return the claims of the caller's token as JSON."""
    token = get_access_token()
    return json.dumps(None if token is None else token.claims)


@service.tool(annotations=ToolAnnotations(read_only_hint=True))
def chain() -> str:
    """Return the caller: its workload, the user, and the actors."""
    caller = service.current_caller
    return json.dumps([caller.principal, caller.subject, caller.actors])


@service.tool(annotations=ToolAnnotations(read_only_hint=True))
async def ask(ctx: Context[ServiceClient], tool: str = "who") -> str:
    """Return what the other service's tool returns."""
    result = await ctx.request_context.lifespan_context.call_tool(tool, {})
    text = " ".join(block.text for block in result.content if isinstance(block, TextContent))
    if result.is_error:
        raise ValueError(text)
    return text


@service.tool()
def started() -> str:
    """Return the error of the call at the start."""
    return service.started


if __name__ == "__main__":
    service.run()
