"""Reads the body of a request within its limits: its size, and the memory of all bodies together.

In: ASGI messages. Out: the whole body, or the answer that takes the application's place: 413, 503.
Not here: how long that may take, and what happens next (concurrency_limiter.py); the head of a request (uvicorn).
"""

from starlette.types import ASGIApp, Receive, Scope

from meshed_mcp import contract
from meshed_mcp.agents.http import responses
from meshed_mcp.agents.http.headers import field
from meshed_mcp.agents.http.limits import Limits
from meshed_mcp.agents.http.rejections import OVERLOAD, SIZE
from meshed_mcp.agents.http.request_context import Work


class TurnedAwayError(Exception):
    """The request is not executed and gets this answer."""

    def __init__(self, answer: ASGIApp, reason: str) -> None:
        super().__init__(reason)
        self.answer = answer
        self.reason = reason


class VanishedError(Exception):
    """The client is gone; nobody awaits an answer."""


class Intake:
    """Reads bodies; one per process, for it adds up what they hold."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._held_bytes = 0

    async def body(self, work: Work, receive: Receive) -> bytes:
        """Return the whole body. Raises TurnedAwayError and VanishedError.

        Until `release` it counts as held.
        """
        if _declared_bytes(work.scope) > self._limits.body_bytes:
            raise TurnedAwayError(responses.TOO_LARGE, SIZE)
        body = b""
        parts = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                raise VanishedError
            body, more = message.get("body", b""), message.get("more_body", False)
            if parts or more:  # most bodies come in one piece and are not copied
                self._hold(work, len(body))
                parts += body
            if len(parts or body) > self._limits.body_bytes:
                raise TurnedAwayError(responses.TOO_LARGE, SIZE)
        return bytes(parts) or body

    def release(self, work: Work) -> None:
        """The request is done with, and so is its body."""
        self._held_bytes -= work.held_bytes
        work.held_bytes = 0

    def _hold(self, work: Work, count: int) -> None:
        if self._held_bytes + count > contract.BODIES_HELD * self._limits.body_bytes:
            raise TurnedAwayError(responses.OVERLOADED, OVERLOAD)
        self._held_bytes += count
        work.held_bytes += count


def _declared_bytes(scope: Scope) -> int:
    declared = field(scope["headers"], b"content-length")
    return int(declared) if declared.isdecimal() else 0
