"""An upstream with every feature, on the bare SDK: `upstream_server.py stdio`, or with a port for streamable HTTP."""

import os
import sys
from typing import Any

import anyio
import mcp_types
from mcp.server import MCPServer
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPError
from mcp_types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequiredResult,
    PromptReference,
    ResourceTemplateReference,
)
from pydantic import BaseModel

server = MCPServer("upstream", title="Upstream", version="3.2.1", instructions="Read me.", log_level="ERROR")
FORM = {"type": "object", "properties": {"yes": {"type": "boolean"}}}


class Size(BaseModel):
    """A structured result."""

    characters: int
    note: str | None = None


class Answer(BaseModel):
    """A form."""

    yes: bool


@server.tool(meta={"com.example/kind": "text"})
def echo(text: str) -> str:
    """Return the text."""
    return text


@server.tool()
def size(text: str) -> Size:
    """Measure."""
    return Size(characters=len(text))


@server.tool()
def fail(code: int) -> str:
    """Raise an error with a code and data."""
    raise MCPError(code=code, message="it is broken", data={"hint": "repair it"})


@server.tool()
async def steps(ctx: Context) -> str:
    """Report progress and logs."""
    for number in range(3):
        await ctx.report_progress(number, 3, f"step {number}")
        await ctx.session.send_log_message("info", f"log {number}", related_request_id=ctx.request_id)
    return "done"


@server.tool()
async def ask(ctx: Context) -> str:
    """Elicit by a server-initiated request, which only clients up to 2025-11-25 get."""
    found = await ctx.session.elicit_form("Really?", FORM, related_request_id=ctx.request_id)
    return f"{found.action} {found.content}"


@server.tool()
async def sample(ctx: Context) -> str:
    """Use the client's model."""
    message = mcp_types.SamplingMessage(role="user", content=mcp_types.TextContent(type="text", text="Say hello"))
    found = await ctx.session.create_message([message], max_tokens=10, related_request_id=ctx.request_id)
    return str(getattr(found.content, "text", ""))


@server.tool()
async def roots(ctx: Context) -> str:
    """List the client's roots."""
    found = await ctx.session.list_roots()
    return ", ".join(str(root.uri) for root in found.roots)


@server.tool()
async def rounds(ctx: Context) -> str | InputRequiredResult:
    """Ask for input in a round of its own, as 2026-07-28 has it."""
    if not ctx.input_responses:
        request = ElicitRequest(params=ElicitRequestFormParams(message="Which?", requested_schema=FORM))
        return InputRequiredResult(input_requests={"which": request}, request_state="first")
    answer = ctx.input_responses["which"]
    assert isinstance(answer, ElicitResult)
    return f"{ctx.request_state} {answer.content}"


@server.tool()
async def wait(seconds: float) -> str:
    """Wait, and note a cancellation."""
    try:
        await anyio.sleep(seconds)
    except BaseException:
        server.cancelled = getattr(server, "cancelled", 0) + 1  # type: ignore[attr-defined]
        raise
    return "waited"


@server.tool()
def cancelled() -> int:
    """Number of cancelled calls."""
    return int(getattr(server, "cancelled", 0))


@server.tool()
async def grow(ctx: Context) -> str:
    """Add a tool and announce it, and a change of the resource `note://1`."""
    server.add_tool(lambda: "grown", name="grown", description="New.")
    await ctx.notify_tools_changed()
    await ctx.notify_resource_updated("note://1")
    await ctx.session.send_tool_list_changed()
    await ctx.session.send_resource_updated("note://1")
    return "grown"


@server.resource("note://1", mime_type="text/plain")
def note() -> str:
    """A note."""
    return "one"


@server.resource("note://{name}/text", mime_type="text/plain")
def text(name: str) -> str:
    """A note by name."""
    return f"text of {name}"


@server.prompt()
def greet(name: str) -> str:
    """Greet."""
    return f"Hello {name}"


@server.completion()
async def complete(
    _reference: PromptReference | ResourceTemplateReference,
    argument: CompletionArgument,
    _context: CompletionContext | None,
) -> Completion:
    """Complete."""
    return Completion(values=[f"{argument.value}{end}" for end in "ab"], has_more=False)


async def one_era(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Reject the handshake of the era that the variable ONLY does not name."""
    if os.environ.get("ONLY") == "legacy" and ctx.method == "server/discover":
        raise MCPError(code=mcp_types.METHOD_NOT_FOUND, message="Method not found")
    if os.environ.get("ONLY") == "modern" and ctx.method == "initialize":
        raise MCPError(code=mcp_types.UNSUPPORTED_PROTOCOL_VERSION, message="Unsupported protocol version")
    return await call_next(ctx)


if __name__ == "__main__":
    server.middleware.append(one_era)
    if sys.argv[1] == "stdio":
        server.run("stdio")
    else:
        server.run("streamable-http", port=int(sys.argv[1]))
