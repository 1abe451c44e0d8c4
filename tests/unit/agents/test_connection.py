"""One connection: what it may owe, for how long, and what it is told. Times are the event loop's, on real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.responses import PlainTextResponse

from meshed_mcp.agents.connection import bounded_http
from meshed_mcp.agents.listener import bound, listening

pytestmark = pytest.mark.anyio
READ_SECONDS = 0.2
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@asynccontextmanager
async def connected(rejected: list[str]) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client of an application that answers every request at once, without reading its body."""
    listener = bound("127.0.0.1", "MESHED_MCP_PORT", 0)
    http = bounded_http(READ_SECONDS, rejected.append)
    async with listening(PlainTextResponse("ok"), listener, http):
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        try:
            yield reader, writer
        finally:
            writer.close()


async def everything(reader: asyncio.StreamReader) -> bytes:
    """What arrives until the server closes the connection."""
    async with asyncio.timeout(20):
        return await reader.read()


async def test_a_connection_without_a_request_is_closed_without_a_word() -> None:
    """RFC 9112, section 9.5: a server may close an idle connection at any time; nobody asked, so nobody is counted."""
    rejected: list[str] = []
    async with connected(rejected) as (reader, _):
        assert await everything(reader) == b""
    assert rejected == []


async def test_a_head_that_does_not_end_is_answered_408_and_counted() -> None:
    """RFC 9110, section 15.5.9; the second request of a connection has no more time than the first."""
    rejected: list[str] = []
    async with connected(rejected) as (reader, writer):
        writer.write(REQUEST + REQUEST[:10])
        answered = await everything(reader)
    assert answered.startswith(b"HTTP/1.1 200 ")
    assert answered.count(b"HTTP/1.1 408 ") == 1
    assert b"connection: close" in answered.rpartition(b"408")[2].lower()
    assert rejected == ["slow"]


async def test_between_two_requests_a_connection_may_rest_longer() -> None:
    """Product rule: the sidecar keeps its connections; who closes first loses the call that is just being sent."""
    rejected: list[str] = []
    async with connected(rejected) as (reader, writer):
        for _ in range(2):
            writer.write(REQUEST)
            assert b"200" in await reader.readuntil(b"ok")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(), 3 * READ_SECONDS)
    assert rejected == []


async def test_a_body_that_nobody_wants_any_more_ends_its_connection() -> None:
    """Product rule: an early answer must not leave a connection open that trickles for ever."""
    rejected: list[str] = []
    async with connected(rejected) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n")
        assert (await everything(reader)).endswith(b"ok")
    assert rejected == []


@pytest.mark.parametrize("answered", [True, False])
async def test_garbage_is_answered_once_counted_and_raises_nothing(answered: bool) -> None:
    """RFC 9112, section 2.2: 400, and the connection is closed. Before or after an answer, no traceback."""
    rejected: list[str] = []
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    async with connected(rejected) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        if answered:
            await reader.readuntil(b"ok")
        writer.write(b"zz\r\n")
        await everything(reader)
    assert (rejected, faults) == (["malformed"], [])
