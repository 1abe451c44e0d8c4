"""SDK middleware that turns `sys.exit` in a tool, prompt or resource into an error of the request.

Not here: `sys.exit` in a task that a tool has started (http/server.py).
"""

import logging
from typing import Any

import mcp_types
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError

from meshed_mcp.agents.telemetry.metrics import CALL_METHOD

logger = logging.getLogger(__name__)


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
