"""A server with everything that the official MCP conformance suite asks for, written with `MCPService`.

Served by `python everything.py`, with the settings of the environment as any service. The parts are in the modules
beside this one: contents (tools), asking (sessions), rounds (several rounds), schemas (JSON Schema), texts (prompts,
resources), resuming.
"""

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

from meshed_mcp.agents import MCPService

RETRY_MILLISECONDS = 100
"""What a client is told to wait before it resumes a stream; the suite measures it."""

service = MCPService("mcp-everything", version="0.1.0", tools=[schemas.HAND_WRITTEN])


async def trigger_tool_change(context: Context) -> str:
    """Adds a tool and takes it away, and tells every listener."""
    service.add_tool(contents.simple_text, name="test_dynamic_tool")
    service.remove_tool("test_dynamic_tool")
    await context.notify_tools_changed()
    return "tools changed"


async def trigger_prompt_change(context: Context) -> str:
    """Adds a prompt and takes it away, and tells every listener."""
    service.add_prompt(Prompt.from_function(texts.simple, name="test_dynamic_prompt"))
    service.remove_prompt("test_dynamic_prompt")
    await context.notify_prompts_changed()
    return "prompts changed"


async def acknowledged(_context: ServerRequestContext[Any, Any], _params: object) -> EmptyResult:
    """Log level and subscriptions of revisions up to 2025-11-25: accepted, without effect on a fixed world."""
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
    # The SDK's MCPServer has no public way to add these; its own example server reaches through in the same way.
    service._lowlevel_server.add_request_handler(method, params, acknowledged)  # noqa: SLF001

if __name__ == "__main__":
    service.run(event_store=RecentEvents(), retry_interval=RETRY_MILLISECONDS)
