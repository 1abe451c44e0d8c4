"""Errors as the specification names them, where the SDK's server answers otherwise.

In: results and exceptions of the SDK, by its middleware. Out: the same, but -32602 for names that nobody offers.
Only what the SDK itself said is read: a server that makes up tools or prompts while it runs decides for itself.
Not here: refusals of ours (deadline.py, policy_guard.py).
"""

from typing import Any

import mcp_types
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError

SHOWN_CHARACTERS = 128
"""Longest part of an unknown name that is repeated."""


async def specified_errors(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """SDK middleware. Raises MCPError INVALID_PARAMS for an unknown tool or prompt.

    Source: MCP 2026-07-28 and earlier, "Tools" and "Prompts", "Error Handling". SDK 2.3 answers a tool with `isError`,
    a prompt with an internal error and a traceback in the log.
    """
    if ctx.method == "tools/call":
        result = await call_next(ctx)
        if _said(result) == f"Unknown tool: {_name(ctx)}":
            raise _unknown("tool", _name(ctx))
        return result
    if ctx.method == "prompts/get":
        try:
            return await call_next(ctx)
        except ValueError as error:
            if str(error) != f"Unknown prompt: {_name(ctx)}":
                raise
            raise _unknown("prompt", _name(ctx)) from None
    return await call_next(ctx)


def _name(ctx: ServerRequestContext[Any, Any]) -> str:
    return str((ctx.params or {}).get("name"))


def _unknown(kind: str, name: str) -> MCPError:
    return MCPError(code=mcp_types.INVALID_PARAMS, message=f"Unknown {kind}: {name[:SHOWN_CHARACTERS]}")


def _said(result: HandlerResult) -> str:
    match result:
        case {"isError": True, "content": [{"text": str(text)}]}:
            return text
        case _:
            return ""
