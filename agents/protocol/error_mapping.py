"""SDK middleware that maps errors: unknown names to -32602 as specified, `sys.exit` to an error of the request."""

import logging
from contextvars import ContextVar
from typing import Any, Final

import mcp_types
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError

from meshed_mcp.agents.telemetry.metrics import CALL_METHOD, TOOL_ERROR, result_error

SHOWN_CHARACTERS: Final = 128  # longest part of an unknown name in the error
KINDS: Final = {CALL_METHOD: "tool", "prompts/get": "prompt"}

logger = logging.getLogger(__name__)
_unknown: Final[ContextVar[set[str] | None]] = ContextVar("unknown_names", default=None)


def note_unknown(name: str) -> None:
    """Record that the server has no tool or prompt of that name; does nothing outside a request.

    A server that overrides the SDK's lookup never gets here, and decides for itself.
    """
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
    if name in noted and result_error(result) == TOOL_ERROR:
        raise _unknown_name(kind, name)
    return result


async def contain_exit(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Return a tool error for a tool that raised SystemExit or KeyboardInterrupt. Raises MCPError for other methods."""
    try:
        return await call_next(ctx)
    except (SystemExit, KeyboardInterrupt) as error:
        kind = type(error).__name__
        logger.exception("%s raised %s; the replica goes on serving", ctx.method, kind)
    text = f"The server could not complete the request ({kind})."
    if ctx.method == CALL_METHOD:
        return mcp_types.CallToolResult(content=[mcp_types.TextContent(type="text", text=text)], is_error=True)
    raise MCPError(code=mcp_types.INTERNAL_ERROR, message=text)


def _unknown_name(kind: str, name: str) -> MCPError:
    return MCPError(code=mcp_types.INVALID_PARAMS, message=f"Unknown {kind}: {name[:SHOWN_CHARACTERS]}")
