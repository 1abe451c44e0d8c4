"""A server with every feature that the official MCP conformance suite tests, written with `MCPService`.

Run it with `python everything.py`. It reads its settings from the environment, as any service does. The parts are in
the other modules of this folder: contents (tools), asking (sessions), rounds (multiple rounds), schemas (JSON
Schema), texts (prompts, resources), resuming. With sessions in Redis, the runtime resumes streams instead.
"""

import os
import sys
from typing import Any

import asking
import contents
import rounds
import schemas
import texts
from mcp.server import ServerRequestContext
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.prompts.base import Prompt
from mcp_types import EmptyResult, SetLevelRequestParams, SubscribeRequestParams, UnsubscribeRequestParams
from resuming import RecentEvents

from meshed_mcp import contract
from meshed_mcp.agents import MCPService

RETRY_MILLISECONDS = 100
"""Reconnection time sent to clients (SSE `retry`), in milliseconds; the suite measures it."""

service = MCPService("mcp-everything", version="0.1.0", tools=[schemas.HAND_WRITTEN])


async def trigger_tool_change(context: Context) -> str:
    """Add and remove a tool, and notify every subscriber."""
    service.add_tool(contents.simple_text, name="test_dynamic_tool")
    service.remove_tool("test_dynamic_tool")
    await context.notify_tools_changed()
    return "tools changed"


async def trigger_prompt_change(context: Context) -> str:
    """Add and remove a prompt, and notify every subscriber."""
    service.add_prompt(Prompt.from_function(texts.simple, name="test_dynamic_prompt"))
    service.remove_prompt("test_dynamic_prompt")
    await context.notify_prompts_changed()
    return "prompts changed"


async def acknowledged(_context: ServerRequestContext[Any, Any], _params: object) -> EmptyResult:
    """Log level and subscriptions of revisions up to 2025-11-25: accepted, without effect on this fixture."""
    return EmptyResult()


changes = {"test_trigger_tool_change": trigger_tool_change, "test_trigger_prompt_change": trigger_prompt_change}
for name, function in {**contents.TOOLS, **asking.TOOLS, **rounds.TOOLS, **changes}.items():
    service.add_tool(function, name=name)
for name, function in texts.PROMPTS.items():
    service.add_prompt(Prompt.from_function(function, name=name))
for uri, (function, mime_type) in texts.RESOURCES.items():
    service.resource(uri, mime_type=mime_type)(function)
service.completion()(texts.completion)
for method, params in {
    "logging/setLevel": SetLevelRequestParams,
    "resources/subscribe": SubscribeRequestParams,
    "resources/unsubscribe": UnsubscribeRequestParams,
}.items():
    # The SDK's MCPServer has no public API to add these handlers; its own example server does the same.
    service._lowlevel_server.add_request_handler(method, params, acknowledged)  # noqa: SLF001

if __name__ == "__main__":
    match sys.argv[1:]:  # the SDK's own transports: the upstream of a bridge
        case ["stdio"]:
            service.run("stdio")
        case [port]:
            service.run(
                "streamable-http", port=int(port), event_store=RecentEvents(), retry_interval=RETRY_MILLISECONDS
            )
        case _ if os.environ.get(contract.ENV_SESSION_STORE) == contract.SessionStore.REDIS:
            service.run(retry_interval=RETRY_MILLISECONDS)
        case _:
            service.run(event_store=RecentEvents(), retry_interval=RETRY_MILLISECONDS)
