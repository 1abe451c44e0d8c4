"""One HTTP/1.1 connection: uvicorn's over llhttp, as strict as RFC 9112 asks, and with a bound on what it may owe us.

In: bytes. Out: what uvicorn makes of them, an answer in one piece; 408 for a head that does not arrive, 400 for what is
no HTTP. Not here: which heads are refused (request_head.py), bodies that somebody still wants (intake.py), idle
connections between requests (listener.py).
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from meshed_mcp.agents import answers
from meshed_mcp.agents.rejections import MALFORMED, SLOW
from meshed_mcp.agents.request_head import Framing, checked
from meshed_mcp.agents.whole_answers import WholeAnswers

UNREAD_BYTES: Final = 64 * 1024
"""Most bytes of a head, of trailers or of chunk sizes that are not yet understood; the parser keeps them.
Source: uvicorn, `h11_max_incomplete_event_size`, default; its other parser has no bound."""


class _BoundedHTTP(HttpToolsProtocol):
    """A new connection owes a head, one that has begun a head its end, one answered early the rest of its body."""

    read_seconds: float
    rejected: "staticmethod[[str], None]"
    """Told the reason of each answer given here."""

    _timer: asyncio.TimerHandle | None = None
    _working: RequestResponseCycle | None = None
    """The request that is answered now; with pipelining `cycle` is the one that was read last."""

    _in_head = False
    _in_body = False
    _framing = Framing()
    _is_left = False
    """The parser takes what follows the head for another protocol's."""

    _is_resuming = False
    _is_broken = False
    _unread_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self.transport = self._out = WholeAnswers(transport, self.loop)
        self._start()

    def data_received(self, data: bytes) -> None:
        if self._is_broken:
            return
        self._unset_keepalive_if_required()
        self._unread_bytes += len(data)
        try:
            self._feed(data)
        except httptools.HttpParserError:
            self._is_broken = True
            self.send_400_response("Invalid HTTP request received.")
        self._watch()

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if self._is_resuming:
            return
        self._framing = checked(self.parser.get_http_version(), self.url, self.headers)
        super().on_headers_complete()
        self._in_head, self._in_body, self._unread_bytes = False, True, 0
        self._is_left = self.parser.should_upgrade() and self._framing.has_body
        self.headers = []  # what comes as a trailer is no field of the request: RFC 9110, section 6.5.1

    def on_body(self, body: bytes) -> None:
        self._unread_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._is_left:  # not complete: its body comes
            return
        self._in_body, self._unread_bytes = False, 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._working = None
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        if self._working is not None:
            _tell_gone(self._working)
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        self.rejected(MALFORMED)
        working = self._working
        if working is not None and not (self._in_body and working is self.cycle):
            self.cycle.keep_alive = working.keep_alive = False  # it came behind a request, which is answered first
        elif self._in_body and (working is None or working.response_started):
            self.transport.close()  # the answer is out or on its way
        else:
            super().send_400_response(msg)
            if self._in_body:
                _tell_gone(self.cycle)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._working = cycle
        self._out.expect_head_of(cycle)
        super()._start_asgi_task(cycle, app)

    def _should_upgrade(self) -> bool:
        return False  # RFC 9110, section 7.8: a server may ignore it; uvicorn would log two lines each time

    def _feed(self, data: bytes) -> None:
        """Parse. The parser stops behind the head of a request for another protocol; we stay with this one."""
        rest = data
        while rest:
            try:
                self.parser.feed_data(rest)
                rest = b""
            except httptools.HttpParserUpgrade as upgrade:
                rest = rest[upgrade.args[0] :]
                if self._is_left:
                    self._resume()
        if self._unread_bytes > UNREAD_BYTES and (self._in_head or self._in_body):
            raise httptools.HttpParserError

    def _resume(self) -> None:
        """A parser that expects the body of the request whose head was read."""
        self.parser = httptools.HttpRequestParser(self)
        self._is_left, self._is_resuming = False, True
        self.parser.feed_data(b"POST / HTTP/1.1\r\n" + self._framing.field() + b"\r\n\r\n")
        self._is_resuming = self._in_head = False

    def _watch(self) -> None:
        if self.transport.is_closing() or not self._owes():
            self._stop()
        elif self._timer is None:
            self._start()

    def _owes(self) -> bool:
        return self._working is None and (self._in_head or self._in_body)

    def _start(self) -> None:
        self._timer = self.loop.call_later(self.read_seconds, self._give_up)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        if self._in_head:
            self.rejected(SLOW)
            self.transport.write(_too_slow())
        self.transport.close()


def bounded_http(read_seconds: float, rejected: Callable[[str], None]) -> type[asyncio.Protocol]:
    """Return the protocol with its bound, as uvicorn's configuration wants it: a class."""
    return type("BoundedHTTP", (_BoundedHTTP,), {"read_seconds": read_seconds, "rejected": staticmethod(rejected)})


def _tell_gone(cycle: RequestResponseCycle) -> None:
    """What is said for this request from now on is heard by nobody."""
    cycle.disconnected = True
    cycle.message_event.set()


def _too_slow() -> bytes:
    answer = answers.TOO_SLOW
    fields = b"".join(b"%b: %b\r\n" % each for each in answer.raw_headers)
    return STATUS_LINE[answer.status_code] + fields + b"\r\n" + bytes(answer.body)
