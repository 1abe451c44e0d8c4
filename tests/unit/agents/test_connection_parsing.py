"""One connection as a stream of bytes: what is a request, what is not, and that it does not matter how bytes arrive."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from uvicorn import Config
from uvicorn.server import ServerState

from meshed_mcp.agents.connection import UNREAD_BYTES, bounded_http

LINE, HOST, END = b"POST / HTTP/1.1\r\n", b"Host: a\r\n", b"\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
THREE = b"Content-Length: 3\r\n"
H2C = b"Connection: Upgrade\r\nUpgrade: h2c\r\n"
ABC_IN_CHUNKS = b"3\r\nabc\r\n0\r\n\r\n"
PLAIN = LINE + HOST + THREE + END + b"abc"
TURNS = 12
"""Turns of the event loop after which a request that is whole is answered."""

SEGMENT = 16 * 1024

REFUSED = {
    "no host": LINE + THREE + END + b"abc",
    "two hosts": LINE + HOST + HOST + THREE + END + b"abc",
    "HTTP/2": b"POST / HTTP/2.0\r\n" + HOST + THREE + END + b"abc",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "two lengths": LINE + HOST + THREE + b"Content-Length: 4\r\n" + END + b"abcd",
    "a length and chunks": LINE + HOST + THREE + CHUNKED + END + ABC_IN_CHUNKS,
    "two codings": LINE + HOST + b"Transfer-Encoding: gzip, chunked\r\n" + END + ABC_IN_CHUNKS,
    "chunks twice": LINE + HOST + CHUNKED + CHUNKED + END + ABC_IN_CHUNKS,
    "an unknown coding": LINE + HOST + b"Transfer-Encoding: xchunked\r\n" + END + ABC_IN_CHUNKS,
    "a signed length": LINE + HOST + b"Content-Length: +3\r\n" + END + b"abc",
    "a list of lengths": LINE + HOST + b"Content-Length: 3, 3\r\n" + END + b"abc",
    "a folded field": LINE + HOST + b"X: a\r\n b\r\n" + THREE + END + b"abc",
    "a space before a colon": LINE + b"Host : a\r\n" + THREE + END + b"abc",
    "bare line feeds": (LINE + HOST + THREE + END).replace(b"\r\n", b"\n") + b"abc",
    "a bare carriage return": LINE + HOST + b"X: a\rb\r\n" + THREE + END + b"abc",
    "a control character": LINE + HOST + b"X: a\x01b\r\n" + THREE + END + b"abc",
    "a path that is no ASCII": "GET /ü HTTP/1.1\r\n".encode() + HOST + END,
    "a tunnel": b"CONNECT a:80 HTTP/1.1\r\n" + HOST + END,
    "garbage for a chunk": LINE + HOST + CHUNKED + END + b"zz\r\n",
    "no end of a chunk": LINE + HOST + CHUNKED + END + b"3\r\nabcX\r\n0\r\n\r\n",
    "an endless head": LINE + HOST + b"X: " + b"a" * UNREAD_BYTES,
    "endless chunk extensions": LINE + HOST + CHUNKED + END + b"3;" + b"a" * UNREAD_BYTES,
    "endless trailers": LINE + HOST + CHUNKED + END + b"3\r\nabc\r\n0\r\n" + b"X: a\r\n" * (UNREAD_BYTES // 6 + 1),
    "HTTP/2 without a question": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}
"""Each source is in request_head.py, or RFC 9112: 2.2, 5, 5.1, 5.2, 6.1, 6.3, 7.1; RFC 9110: 9.3.6."""


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written = b""
        self.closed = False

    def write(self, data: Any) -> None:
        """Keep it."""
        self.written += bytes(data)

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self.closed

    def close(self) -> None:
        """Close; nothing is in a buffer."""
        self.closed = True

    def pause_reading(self) -> None:
        """Nothing reads by itself here."""

    def resume_reading(self) -> None:
        """Nothing reads by itself here."""


class Connection:
    """A connection to an application that says what it was asked; bytes go in, answers come out."""

    def __init__(self, read_seconds: float = 60) -> None:
        self.wire, self.rejected, self.gone = Wire(), list[str](), 0
        config = Config(self.app, log_config=None, access_log=False, proxy_headers=False, interface="asgi3")
        kind: Any = bounded_http(read_seconds, self.rejected.append)
        self.protocol = kind(config, ServerState(), {})
        self.protocol.connection_made(self.wire)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with method, path, fields and body; a path /wait waits for its client to leave."""
        if scope["path"] == "/wait":
            while (await receive())["type"] != "http.disconnect":
                pass
            self.gone += 1
            return
        request = Request(scope, receive)
        fields = sorted(f"{name}={value}" for name, value in request.headers.items())
        said = f"<{request.method} {request.url.path} {' '.join(fields)} {(await request.body()).decode()}>"
        await PlainTextResponse(said)(scope, receive, send)

    async def sent(self, *parts: bytes) -> None:
        """Let bytes arrive, one part after the other."""
        for part in parts:
            if not self.wire.closed:
                self.protocol.data_received(part)
            for _ in range(TURNS):
                await asyncio.sleep(0)

    def answers(self) -> list[bytes]:
        """Status and what the application said, of every answer."""
        return [status or said for status, said in re.findall(rb"HTTP/1\.1 (\d+)|(<[^>]*>)", self.wire.written)]


async def asked(*parts: bytes) -> Connection:
    """A connection on which these bytes arrived."""
    connection = Connection()
    await connection.sent(*parts)
    return connection


@pytest.mark.anyio
@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED)
async def test_what_is_no_request_is_refused_once_and_reaches_nobody(raw: bytes) -> None:
    """RFC 9112, section 2.2: 400 and the end of the connection; what follows is not read."""
    segments = [raw[begin : begin + SEGMENT] for begin in range(0, len(raw), SEGMENT)]
    connection = await asked(*segments, PLAIN)
    assert (connection.answers(), connection.rejected) == ([b"400"], ["malformed"])
    assert connection.wire.closed


@pytest.mark.anyio
async def test_a_trailer_is_no_field_of_its_request() -> None:
    """RFC 9110, section 6.5.1: a field behind the body must not be taken for one of the head, such as the caller's."""
    connection = await asked(LINE + HOST + CHUNKED + END + b"3\r\nabc\r\n0\r\nX-Forged: 1\r\n\r\n" + PLAIN)
    first, second = connection.answers()[1::2]
    assert first == b"<POST / host=a transfer-encoding=chunked abc>"
    assert second == b"<POST / content-length=3 host=a abc>"


@pytest.mark.anyio
@pytest.mark.parametrize("body", [THREE + END + b"abc", CHUNKED + END + ABC_IN_CHUNKS], ids=["length", "chunks"])
async def test_a_wish_for_another_protocol_is_passed_over_with_its_body_read(body: bytes) -> None:
    """RFC 9110, section 7.8: a server may ignore Upgrade. Java's HTTP client asks for h2c with its first request."""
    connection = await asked(LINE + HOST + H2C + body + PLAIN)
    assert [said.endswith(b" abc>") for said in connection.answers()[1::2]] == [True, True]
    assert not connection.rejected


@pytest.mark.anyio
async def test_requests_in_one_piece_are_answered_in_their_order() -> None:
    """RFC 9112, section 9.3.2; the second is not begun before the first has its answer."""
    connection = await asked(b"".join(PLAIN.replace(b" / ", b" /%d " % number) for number in range(3)))
    assert [said.split()[1] for said in connection.answers()[1::2]] == [b"/0", b"/1", b"/2"]


@pytest.mark.anyio
async def test_garbage_behind_a_request_does_not_take_its_answer() -> None:
    """RFC 9112, section 9.3.2: answers come in the order of requests, so the first answer belongs to the first."""
    connection = await asked(PLAIN + b"garbage\r\n\r\n")
    assert [connection.answers()[0], connection.rejected, connection.wire.closed] == [b"200", ["malformed"], True]
    assert b"400" not in connection.answers()


@pytest.mark.anyio
async def test_every_request_of_a_lost_connection_learns_it() -> None:
    """MCP 2026-07-28, "Cancellation": closing is cancelling, also for what is in work while another one waits."""
    connection = await asked(LINE.replace(b" / ", b" /wait ") + HOST + END + PLAIN)
    connection.protocol.connection_lost(None)
    await connection.sent()
    for _ in range(TURNS):
        await asyncio.sleep(0)
    assert connection.gone == 1


STREAMS = st.lists(
    st.sampled_from(
        [
            PLAIN,
            b"GET /b?c=d HTTP/1.1\r\n" + HOST + b"X:  spaced \t\r\n" + END,
            LINE + HOST + CHUNKED + END + ABC_IN_CHUNKS,
            LINE + HOST + H2C + THREE + END + b"abc",
            LINE + HOST + H2C + CHUNKED + END + ABC_IN_CHUNKS,
            b"GET / HTTP/1.1\r\n" + HOST + H2C + END,
        ]
    ),
    min_size=1,
    max_size=4,
)


def pieces(data: bytes, cuts: Sequence[int]) -> Iterator[bytes]:
    """`data` in order, cut at some places."""
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return (data[begin:end] for begin, end in pairwise(places))


@given(STREAMS, st.lists(st.integers(0, 2000), max_size=12))
def test_it_does_not_matter_in_which_pieces_bytes_arrive(requests: list[bytes], cuts: list[int]) -> None:
    """RFC 9293, section 3.8: TCP is a stream; no reader may see more in its segments."""

    async def answers() -> tuple[list[bytes], list[bytes]]:
        whole = await asked(b"".join(requests))
        cut = await asked(*pieces(b"".join(requests), cuts))
        await whole.sent(b"", b"", b"")
        return whole.answers(), cut.answers()

    whole, cut = asyncio.run(answers())
    assert whole == cut
    assert whole.count(b"200") == len(requests)
