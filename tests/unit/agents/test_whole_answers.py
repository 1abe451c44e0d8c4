"""How an answer leaves a connection: in how many pieces, and that nothing waits. On real sockets, every write noted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from meshed_mcp.agents.connection import bounded_http
from meshed_mcp.agents.listener import bound, listening

pytestmark = pytest.mark.anyio
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]}
ANSWER_SECONDS = 20


@dataclass
class Noting:
    """A transport whose writes are kept."""

    transport: asyncio.Transport
    writes: list[bytes]

    def write(self, data: bytes) -> None:
        """Keep and send; nothing is no packet."""
        self.writes += [data] if data else []
        self.transport.write(data)

    def __getattr__(self, name: str) -> Any:
        """Everything else is the transport's."""
        return getattr(self.transport, name)


@dataclass
class Stream:
    """An application that sends its head, then a piece each time it is let, and ends or fails."""

    let: list[asyncio.Event] = field(default_factory=lambda: [asyncio.Event(), asyncio.Event()])
    fails: bool = False

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        """One stream."""
        if scope["type"] != "http":
            return
        await send(START)
        if self.fails:
            raise ValueError
        for event in self.let:
            await event.wait()
            await send({"type": "http.response.body", "body": b"piece", "more_body": True})
        await send({"type": "http.response.body"})


@asynccontextmanager
async def connected(app: ASGIApp) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter, list[bytes]]]:
    """A client of `app`, and what the server writes to it."""
    writes: list[bytes] = []
    plain: Any = bounded_http(ANSWER_SECONDS, lambda _: None)

    class Spied(plain):  # type: ignore[misc]  # a class that is made when it is asked for
        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(Noting(transport, writes))

    listener = bound("127.0.0.1", "MESHED_MCP_PORT", 0)
    async with listening(app, listener, Spied), asyncio.timeout(ANSWER_SECONDS):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        try:
            yield reader, writer, writes
        finally:
            writer.close()


async def test_head_and_body_leave_in_one_piece() -> None:
    """Product rule: proxies on the way wake once for an answer; the second answer of a connection like the first."""
    async with connected(PlainTextResponse("ok")) as (reader, writer, writes):
        for number in (1, 2):
            writer.write(REQUEST)
            await reader.readuntil(b"\r\n\r\nok")
            assert len(writes) == number
            assert writes[-1].startswith(b"HTTP/1.1 200 ")
            assert writes[-1].endswith(b"\r\n\r\nok")


async def test_the_head_of_a_stream_waits_for_no_piece_and_pieces_not_for_each_other() -> None:
    """MCP, Streamable HTTP: a client that listens knows that its stream is open although nothing has happened yet."""
    stream = Stream()
    async with connected(stream) as (reader, writer, writes):
        writer.write(REQUEST)
        await reader.readuntil(b"\r\n\r\n")
        for event in stream.let:
            event.set()
            await reader.readuntil(b"piece\r\n")
        await reader.readuntil(b"0\r\n\r\n")
        assert [write[:4] for write in writes] == [b"HTTP", b"5\r\np", b"5\r\np", b"0\r\n\r"]


async def test_a_head_whose_application_fails_is_sent_before_the_connection_closes() -> None:
    """RFC 9112, section 8: the client sees an answer that was cut off, not a connection that never answered."""
    async with connected(Stream(fails=True)) as (reader, writer, _):
        writer.write(REQUEST)
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
