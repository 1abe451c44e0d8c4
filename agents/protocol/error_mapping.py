"""SDK middleware that maps unknown tools and prompts to the error of the specification: -32602, INVALID_PARAMS.

Only names that reach the SDK's lookup count as unknown (registered_names.py), so a server that overrides the lookup
decides for itself.
"""

from contextvars import ContextVar
from typing import Any, Final

import mcp_types
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError

SHOWN_CHARACTERS: Final = 128
"""Longest part of an unknown name in the error."""

KINDS: Final = {"tools/call": "tool", "prompts/get": "prompt"}

_unknown: Final[ContextVar[set[str] | None]] = ContextVar("unknown_names", default=None)


def note_unknown(name: str) -> None:
    """Record that the server has no tool or prompt of that name; does nothing outside a request."""
    if (names := _unknown.get()) is not None:
        names.add(name)


async def specified_errors(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """SDK middleware. Raises MCPError INVALID_PARAMS for an unknown tool or prompt.

    Source: MCP 2026-07-28 and earlier, "Tools" and "Prompts", "Error Handling". SDK 2.3 returns `isError`
    for a tool, and for a prompt an internal error with a traceback in the log.
    """
    kind, name = KINDS.get(ctx.method), str((ctx.params or {}).get("name"))
    if kind is None:
        return await call_next(ctx)
    noted = set[str]()
    token = _unknown.set(noted)
    try:
        result = await call_next(ctx)
    except Exception:
        if name in noted:
            raise _unknown_name(kind, name) from None
        raise
    finally:
        _unknown.reset(token)
    if name in noted and _is_error(result):
        raise _unknown_name(kind, name)
    return result


def _unknown_name(kind: str, name: str) -> MCPError:
    return MCPError(code=mcp_types.INVALID_PARAMS, message=f"Unknown {kind}: {name[:SHOWN_CHARACTERS]}")


def _is_error(result: HandlerResult) -> bool:
    match result:
        case mcp_types.CallToolResult(is_error=True) | {"isError": True}:
            return True
        case _:
            return False
