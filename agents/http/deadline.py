"""What a call in work may do: nest its arguments so deep, take so long.

In: decoded MCP requests, as the SDK's middleware sees them. Out: their results, or an error of the protocol.
Not here: the wait before the work (concurrency_limiter.py), the numbers (limits.py).
"""

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
from meshed_mcp.agents.http import responses as answers
from meshed_mcp.agents.http.limits import LISTEN_METHOD, nests_deeper
from meshed_mcp.agents.http.request_context import Work, work_of
from meshed_mcp.agents.settings import Settings

PARAMS_DEPTH: Final = 1
"""The object `params` itself, around the arguments."""

logger = logging.getLogger(__name__)


class CallLimits:
    """SDK middleware that refuses deep parameters and cancels calls at their deadline; streams have none."""

    def __init__(self, settings: Settings) -> None:
        self._depth = settings.argument_depth
        self._seconds = settings.effective_call_seconds

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Pass one message on. Raises MCPError: INVALID_PARAMS, or INTERNAL_ERROR for a call that was cancelled."""
        work = work_of(ctx.request)
        if self._is_deep(ctx.params, work):
            raise MCPError(
                code=mcp_types.INVALID_PARAMS,
                message=f"Arrays and objects nest deeper than {self._depth} ({contract.ENV_ARGUMENT_DEPTH})",
            )
        if ctx.request_id is None or ctx.method == LISTEN_METHOD:
            return await call_next(ctx)
        with self._scope(work) as call:
            if work is None:
                return await call_next(ctx)
            work.request_id, work.call = ctx.request_id, call
            try:
                return await call_next(ctx)
            finally:
                work.call = None
        logger.warning("%s was cancelled at its deadline", ctx.method if work is None else work)
        raise MCPError.from_error_data(deadline_error(self._seconds))

    def _is_deep(self, params: Any, work: Work | None) -> bool:
        """Most bodies have fewer brackets than may be nested, and counting them costs less than a walk."""
        depth = self._depth + PARAMS_DEPTH
        return (work is None or work.brackets > depth) and nests_deeper(params, depth)

    def _scope(self, work: Work | None) -> anyio.CancelScope:
        """The admission watches the deadline of each request with one timer for all; only without it we do."""
        if work is not None:
            return anyio.CancelScope()
        return anyio.CancelScope(deadline=asyncio.get_running_loop().time() + self._seconds)


def deadline_error(seconds: float) -> mcp_types.ErrorData:
    """The error of a call that took too long.

    Source: MCP 2026-07-28, "Error Codes": no code is assigned to time-outs, those from -32000 to -32019 (the SDK's
    own -32001 among them) should not be used, so it is JSON-RPC's internal error.
    """
    return mcp_types.ErrorData(
        code=mcp_types.INTERNAL_ERROR,
        message=f"The call took longer than {seconds:g} s ({contract.ENV_CALL_SECONDS}). It may have taken effect.",
    )


async def answer_overdue(work: Work, seconds: float, receive: Receive, send: Send) -> None:
    """Send in the application's place what CallLimits would have raised, in the form the answer has begun with."""
    if work.request_id is None:
        if not work.status:
            await answers.OVERDUE(work.scope, receive, send)
        return
    error = mcp_types.JSONRPCError(jsonrpc="2.0", id=work.request_id, error=deadline_error(seconds))
    body = error.model_dump_json(by_alias=True, exclude_none=True).encode()
    if not work.status:
        await Response(body, media_type="application/json")(work.scope, receive, send)
    elif work.event_stream:
        event = b"event: message\r\ndata: " + body + b"\r\n\r\n"
        await send({"type": "http.response.body", "body": event, "more_body": False})
