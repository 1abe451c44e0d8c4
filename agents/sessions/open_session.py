"""One open session: its owner, and its event streams, of which the newest per message stream wins."""

from dataclasses import dataclass, field
from typing import Final

import anyio
from mcp.server.streamable_http import GET_STREAM_KEY
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from meshed_mcp.agents.sessions.owner import Owner

LAST_CHUNK_SECONDS: Final = 1.0
"""Longest attempt to send the last chunk of a replaced stream: its connection may be dead, with a full buffer."""

REPLACED: Final = PlainTextResponse("A newer request of this session took the place of this one.\n", 409)
"""Source: RFC 9110, section 15.5.10."""


@dataclass(eq=False)
class _Place:
    """Place of the one response that carries a message stream."""

    lock: anyio.Lock = field(default_factory=anyio.Lock)
    newest: anyio.CancelScope | None = None


@dataclass(eq=False)
class OpenSession:
    """A session of this replica."""

    owner: Owner
    local: str = ""
    """Id in the SDK's table; "" before `initialize` has succeeded."""

    places: dict[str, _Place] = field(default_factory=dict)

    async def serve_newest(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send, stream: str) -> None:
        """Serve the response that carries `stream` and end an older one first, even if its connection is dead.

        The SDK rejects a second GET with 409 while the first is open, which lasts until TCP gives up on a lost client.
        """
        place = self.places.setdefault(stream, _Place())
        older, place.newest = place.newest, anyio.CancelScope()
        if older is not None:
            older.cancel()
        response, own = _Response(send), place.newest
        try:
            with own:
                async with place.lock:  # held until the SDK has forgotten the older response
                    await app(scope, receive, response.send)
        finally:
            if place.newest is own:
                del self.places[stream]
        if own.cancelled_caught:
            await response.end(scope, receive)

    def end_stream(self, stream: str = GET_STREAM_KEY) -> None:
        """End the response that carries `stream`, if there is one."""
        if (place := self.places.get(stream)) is not None and place.newest is not None:
            place.newest.cancel()


@dataclass
class _Response:
    """How far a response got."""

    _send: Send
    started: bool = False
    ended: bool = False

    async def send(self, message: Message) -> None:
        self.started = True
        self.ended = message["type"] == "http.response.body" and not message.get("more_body", False)
        await self._send(message)

    async def end(self, scope: Scope, receive: Receive) -> None:
        """Complete the response, so that a client that still reads it sees an orderly end."""
        with anyio.move_on_after(LAST_CHUNK_SECONDS):
            if not self.started:
                await REPLACED(scope, receive, self._send)
            elif not self.ended:
                await self._send({"type": "http.response.body", "body": b"", "more_body": False})
