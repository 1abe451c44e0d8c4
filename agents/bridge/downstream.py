"""Messages to the client as decoded JSON: one call in flight, and the client of a session."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any, Final, cast

import mcp_types
from mcp.server.context import ServerRequestContext
from mcp.server.session import ServerSession
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata
from mcp.shared.subscriptions import LISTEN_STREAM_METHODS
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel, RootModel

from meshed_mcp.agents.bridge.held_calls import INPUT_METHODS, HeldCall
from meshed_mcp.agents.bridge.translation import allows_log, with_subscription

SETTLE_SECONDS: Final = 1.0  # longest wait for notifications of a call that has ended
LOG_METHOD: Final = "notifications/message"

Context = ServerRequestContext[Any, Any]


class RawMessage(BaseModel):
    """A request or notification for the SDK's session, which dumps it again; fields that it does not know stay."""

    method: str
    params: dict[str, Any] | None = None


class RawResult(RootModel[dict[str, Any]]):
    """A client's result as it is."""


def is_modern(ctx: Context) -> bool:
    """Whether the client of a request speaks 2026-07-28 or later."""
    return ctx.protocol_version in MODERN_PROTOCOL_VERSIONS


async def notify(
    session: ServerSession, method: str, params: Mapping[str, Any] | None, request_id: mcp_types.RequestId | None = None
) -> None:
    """Send a notification on the stream of a request, or on the client's own stream."""
    message = RawMessage(method=method, params=None if params is None else dict(params))
    await session.send_notification(cast("Any", message), related_request_id=request_id)


async def ask(
    session: ServerSession, method: str, params: Mapping[str, Any] | None, request_id: mcp_types.RequestId | None = None
) -> dict[str, Any]:
    """Send a server-initiated request and return the client's result. Raises MCPError."""
    message = RawMessage(method=method, params=None if params is None else dict(params))
    metadata = ServerMessageMetadata(related_request_id=request_id)
    result = await session.send_request(cast("Any", message), RawResult, metadata=metadata)
    return result.root


class SessionClient:
    """The client of a session up to 2025-11-25, for what belongs to no single call."""

    def __init__(self, session: ServerSession) -> None:
        self._session = session

    async def ask(self, method: str, params: Mapping[str, Any] | None) -> dict[str, Any]:
        """Send a request on the client's own stream. Raises MCPError."""
        return await ask(self._session, method, params)

    async def notify(self, method: str, params: Mapping[str, Any] | None) -> None:
        """Send a notification on the client's own stream."""
        await notify(self._session, method, with_subscription(params, None) if params else params)


class InFlightCall:
    """One call of a client: its stream gets progress, logs and server-initiated requests of the upstream."""

    def __init__(self, ctx: Context) -> None:
        self._ctx: Context | None = ctx
        self.held: HeldCall | None = None
        """Set if server-initiated requests become input requests."""
        self._sending = 0
        self._settled = asyncio.Event()

    def continue_on(self, ctx: Context | None) -> None:
        """Use the stream of another request of the same call; None between two rounds."""
        self._ctx = ctx

    async def ask(self, method: str, params: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return the client's result of a server-initiated request. Raises MCPError if the client cannot answer it."""
        ctx = self._ctx
        if self.held is not None and method in INPUT_METHODS:
            return await self.held.ask(method, params)
        if ctx is not None and ctx.session.can_send_request:
            return await ask(ctx.session, method, params, ctx.request_id)
        raise MCPError(
            code=mcp_types.INVALID_REQUEST,
            message=f"The caller cannot answer {method}: it declares no such capability, or has no session",
        )

    async def notify(self, method: str, params: Mapping[str, Any] | None) -> None:
        """Pass a notification on; logs only as far as the client has requested them."""
        ctx = self._ctx
        if ctx is None or method in LISTEN_STREAM_METHODS:
            return
        if method == LOG_METHOD and is_modern(ctx):
            requested = ((ctx.params or {}).get("_meta") or {}).get(mcp_types.LOG_LEVEL_META_KEY)
            if not allows_log(requested, (params or {}).get("level")):
                return
        with _Sending(self):
            await notify(ctx.session, method, params, ctx.request_id)

    async def progress(self, progress: float, total: float | None, message: str | None) -> None:
        """Pass progress on, if the client has requested it."""
        if self._ctx is not None:
            with _Sending(self):
                await self._ctx.session.report_progress(progress, total, message)

    async def settle(self) -> None:
        """Wait until everything that came before the result is sent."""
        if self._sending:
            self._settled.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SETTLE_SECONDS):
                    await self._settled.wait()

    def begin(self) -> None:
        """Note that a message is being sent."""
        self._sending += 1

    def end(self) -> None:
        """Note that a message is sent."""
        self._sending -= 1
        if not self._sending:
            self._settled.set()


class _Sending:
    def __init__(self, call: InFlightCall) -> None:
        self._call = call

    def __enter__(self) -> None:
        self._call.begin()

    def __exit__(self, *_: object) -> None:
        self._call.end()
