"""SDK middleware that limits the argument depth and the duration of a call, and the error of an overdue call."""

import asyncio
import logging
from typing import Any, Final

import anyio
import mcp_types
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from starlette.responses import Response
from starlette.types import Receive, Send

from meshed_mcp import contract
from meshed_mcp.agents.http import rejections, request_context
from meshed_mcp.agents.http.limits import LISTEN_METHOD, nests_deeper
from meshed_mcp.agents.http.request_context import RequestContext
from meshed_mcp.agents.settings import Settings

PARAMS_DEPTH: Final = 1  # depth of the object `params` around the arguments
logger = logging.getLogger(__name__)


class CallLimits:
    """SDK middleware that rejects deep parameters and cancels calls at their deadline; streams have none."""

    def __init__(self, settings: Settings) -> None:
        self._depth = settings.argument_depth
        self._seconds = settings.effective_call_seconds

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Pass one message on. Raises MCPError: INVALID_PARAMS, or INTERNAL_ERROR for a cancelled call."""
        context = request_context.from_request(ctx.request)
        if self._is_deep(ctx.params, context):
            raise MCPError(
                code=mcp_types.INVALID_PARAMS,
                message=f"Arrays and objects nest deeper than {self._depth}. Its operator can raise "
                f"{contract.setting(contract.ENV_ARGUMENT_DEPTH)}.",
            )
        if ctx.request_id is None or ctx.method == LISTEN_METHOD:
            return await call_next(ctx)
        with self._cancel_scope(context) as call:
            if context is None:
                return await call_next(ctx)
            context.request_id, context.call = ctx.request_id, call
            try:
                return await call_next(ctx)
            finally:
                context.call = None
        logger.warning("%s was cancelled at its deadline", ctx.method if context is None else context)
        raise MCPError.from_error_data(deadline_error(self._seconds))

    def _is_deep(self, params: Any, context: RequestContext | None) -> bool:
        """Most bodies have fewer brackets than the allowed depth, and counting them is faster than a walk."""
        depth = self._depth + PARAMS_DEPTH
        return (context is None or context.nesting_bound > depth) and nests_deeper(params, depth)

    def _cancel_scope(self, context: RequestContext | None) -> anyio.CancelScope:
        """ConcurrencyLimitMiddleware cancels calls with a context; others get a deadline of their own."""
        if context is not None:
            return anyio.CancelScope()
        return anyio.CancelScope(deadline=asyncio.get_running_loop().time() + self._seconds)


def deadline_error(seconds: float) -> mcp_types.ErrorData:
    """Return the error of a call that took longer than `seconds`.

    Source: MCP 2026-07-28, "Error Codes": no code is assigned to time-outs, and those from -32000 to -32019 (the SDK's
    own -32001 among them) should not be used, so it is JSON-RPC's internal error.
    """
    return mcp_types.ErrorData(
        code=mcp_types.INTERNAL_ERROR,
        message=f"The call took longer than {seconds:g} s. It may have taken effect. Its operator can raise "
        f"{contract.setting(contract.ENV_CALL_SECONDS)}.",
    )


async def send_overdue_response(context: RequestContext, seconds: float, receive: Receive, send: Send) -> None:
    """Send the error of CallLimits instead of the application, in the format that the response has begun with."""
    if context.request_id is None:
        if not context.status:
            await rejections.OVERDUE(context.scope, receive, send)
        return
    error = mcp_types.JSONRPCError(jsonrpc="2.0", id=context.request_id, error=deadline_error(seconds))
    body = error.model_dump_json(by_alias=True, exclude_none=True).encode()
    if not context.status:
        await Response(body, media_type="application/json")(context.scope, receive, send)
    elif context.event_stream:
        event = b"event: message\r\ndata: " + body + b"\r\n\r\n"
        await send({"type": "http.response.body", "body": event, "more_body": False})
