"""Request body reader that limits the size of a body and the memory of all bodies."""

from starlette.types import ASGIApp, Message, Receive, Scope

from meshed_mcp import contract
from meshed_mcp.agents.http import rejections
from meshed_mcp.agents.http.limits import Limits, header_value
from meshed_mcp.agents.http.rejections import OVERLOAD, SIZE
from meshed_mcp.agents.http.request_context import RequestContext


class RequestRejectedError(Exception):
    """The request is not executed; `response` is sent instead."""

    def __init__(self, response: ASGIApp, reason: str) -> None:
        super().__init__(reason)
        self.response, self.reason = response, reason


class ClientDisconnectedError(Exception):
    """The client disconnected before the request was executed."""


class BodyReader:
    """Reads bodies and adds up the memory that they hold; one per process."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._held_bytes = 0

    async def read(self, context: RequestContext, receive: Receive) -> bytes:
        """Return the whole body, which counts as held until `release`.

        Raises RequestRejectedError (413, 503) and ClientDisconnectedError.
        """
        if _declared_bytes(context.scope) > self._limits.body_bytes:
            raise RequestRejectedError(rejections.TOO_LARGE, SIZE)
        body = b""
        parts = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                raise ClientDisconnectedError
            body, more = message.get("body", b""), message.get("more_body", False)
            if parts or more:  # most bodies arrive in one piece and are not copied
                self._hold(context, len(body))
                parts += body
            if len(parts or body) > self._limits.body_bytes:
                raise RequestRejectedError(rejections.TOO_LARGE, SIZE)
        return bytes(parts) or body

    def release(self, context: RequestContext) -> None:
        """Release the memory of the request's body."""
        self._held_bytes -= context.held_bytes
        context.held_bytes = 0

    def _hold(self, context: RequestContext, count: int) -> None:
        if self._held_bytes + count > contract.BODIES_HELD * self._limits.body_bytes:
            raise RequestRejectedError(rejections.OVERLOADED, OVERLOAD)
        self._held_bytes += count
        context.held_bytes += count


def replayed(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that starts with a whole body."""
    first: Message | None = {"type": "http.request", "body": body, "more_body": False}

    async def replay() -> Message:
        nonlocal first
        message, first = first, None
        return message or await receive()

    return replay


def _declared_bytes(scope: Scope) -> int:
    declared = header_value(scope["headers"], b"content-length")
    return int(declared) if declared.isdecimal() else 0
