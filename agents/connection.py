"""One HTTP/1.1 connection: uvicorn's, with a bound on how long it may owe us the head or the rest of a request.

In: bytes. Out: what uvicorn makes of them, an answer in one piece; 408 for a head that does not arrive, 400 for what is
no HTTP. Not here: bodies that somebody still wants (intake.py), idle connections between requests (listener.py).
"""

import asyncio
from collections.abc import Callable
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from meshed_mcp.agents import answers
from meshed_mcp.agents.rejections import MALFORMED, SLOW
from meshed_mcp.agents.whole_answers import WholeAnswers


class _BoundedHTTP(H11Protocol):
    """A new connection owes a head, one that has begun a head its end, one answered early the rest of its body."""

    read_seconds: float
    rejected: "staticmethod[[str], None]"
    """Told the reason of each answer given here."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self.transport = WholeAnswers(transport, self.conn, self.loop)
        self._start()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        self.rejected(MALFORMED)
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            super().send_400_response(msg)
            if self.cycle is not None:  # the request that this was the rest of has its answer
                self.cycle.disconnected = True
        else:  # the answer is out or on its way: h11 would raise, and asyncio log a traceback
            self.transport.close()

    def _should_upgrade(self) -> bool:
        return False  # RFC 9110, section 7.8: a server may ignore it; uvicorn would log two lines each time

    def _watch(self) -> None:
        if self.transport.is_closing() or not self._owes():
            self._stop()
        elif self._timer is None:
            self._start()

    def _owes(self) -> bool:
        if self.conn.their_state is h11.IDLE:
            return self._has_begun()
        return self.conn.their_state is h11.SEND_BODY and self.cycle.response_complete

    def _has_begun(self) -> bool:
        return bool(self.conn.trailing_data[0])

    def _start(self) -> None:
        self._timer = self.loop.call_later(self.read_seconds, self._give_up)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        if self.conn.our_state is h11.IDLE and self._has_begun():
            self.rejected(SLOW)
            self.transport.write(_too_slow(self.conn))
        self.transport.close()


def bounded_http(read_seconds: float, rejected: Callable[[str], None]) -> type[asyncio.Protocol]:
    """Return the protocol with its bound, as uvicorn's configuration wants it: a class."""
    return type("BoundedHTTP", (_BoundedHTTP,), {"read_seconds": read_seconds, "rejected": staticmethod(rejected)})


def _too_slow(connection: Any) -> bytes:
    answer = answers.TOO_SLOW
    events = (
        h11.Response(status_code=answer.status_code, headers=answer.raw_headers),
        h11.Data(data=bytes(answer.body)),
        h11.EndOfMessage(),
    )
    return b"".join(connection.send(event) for event in events)
