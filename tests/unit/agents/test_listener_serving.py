"""Serving a port with uvicorn's h11 protocol: start, keep-alive, early responses, trailers, and the end."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from meshed_mcp import contract
from meshed_mcp.agents.http import listener
from meshed_mcp.agents.http.listener import bind_socket, listening
from meshed_mcp.agents.process.start_error import StartError

pytestmark = pytest.mark.anyio
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"
OK = PlainTextResponse("ok")


@asynccontextmanager
async def connected(app: ASGIApp) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client of the application."""
    port = bind_socket("127.0.0.1", contract.ENV_PORT, 0)
    async with asyncio.timeout(30), listening(app, port):
        reader, writer = await asyncio.open_connection(*port.getsockname())
        try:
            yield reader, writer
        finally:
            writer.close()


async def test_a_failure_of_uvicorn_before_its_start_ends_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement RUN-6: a replica that cannot serve exits, and Kubernetes starts another one."""

    def load(_: uvicorn.Config) -> None:
        raise OSError("no such certificate")

    monkeypatch.setattr(uvicorn.Config, "load", load)
    with pytest.raises(OSError, match="no such certificate"):
        async with asyncio.timeout(20), listening(OK, bind_socket("127.0.0.1", contract.ENV_PORT, 0)):
            pass


async def test_a_sys_exit_of_uvicorn_is_a_start_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """uvicorn, `Server.startup`: `sys.exit` where it cannot start, which would end the event loop."""

    async def startup(_: uvicorn.Server, **__: object) -> None:
        raise SystemExit(3)

    monkeypatch.setattr(uvicorn.Server, "startup", startup)
    with pytest.raises(StartError, match="uvicorn did not start"):
        async with asyncio.timeout(20), listening(OK, bind_socket("127.0.0.1", contract.ENV_PORT, 0)):
            pass


async def test_two_ports_are_served_in_one_process() -> None:
    """Requirement RUN-7: health and metrics have a port of their own, outside the mesh."""
    one, other = (bind_socket("127.0.0.1", contract.ENV_PORT, 0) for _ in range(2))
    addresses = [one.getsockname(), other.getsockname()]
    async with (
        asyncio.timeout(30),
        listening(PlainTextResponse("one"), one),
        listening(PlainTextResponse("two"), other),
    ):
        for address, text in zip(addresses, (b"one", b"two"), strict=True):
            reader, writer = await asyncio.open_connection(*address)
            writer.write(REQUEST)
            assert (await reader.readuntil(text)).startswith(b"HTTP/1.1 200 ")
            writer.close()
    for address in addresses:
        with pytest.raises(ConnectionRefusedError), socket.create_connection(address):
            pass


async def test_a_keep_alive_connection_outlives_the_sidecars_idle_timeout() -> None:
    """Envoy, `HttpProtocolOptions.idle_timeout`: 1 h by default; the server must not be the first to close."""
    assert listener.KEEP_ALIVE_SECONDS > 3600
    async with connected(OK) as (reader, writer):
        for _ in range(3):
            writer.write(REQUEST)
            await reader.readuntil(b"ok")


async def test_an_idle_connection_is_closed_after_the_keep_alive_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 9112, section 9.5: a server may close an idle connection."""
    monkeypatch.setattr(listener, "KEEP_ALIVE_SECONDS", 0.1)
    async with connected(OK) as (reader, writer):
        writer.write(REQUEST)
        assert (await reader.read()).endswith(b"ok")


async def test_an_early_response_reaches_the_client_and_the_body_is_discarded() -> None:
    """RFC 9110, section 15.5.14: a rejection comes early; the next request of the connection is served."""
    async with connected(PlainTextResponse("no", 413)) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
        assert (await reader.readuntil(b"no")).startswith(b"HTTP/1.1 413 ")
        writer.write(b"a" * 100_000 + REQUEST)
        assert (await reader.readuntil(b"no")).startswith(b"HTTP/1.1 413 ")


async def fields_and_body(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that repeats what it was sent."""
    request = Request(scope, receive)
    said = f"{sorted(request.headers.keys())} {(await request.body()).decode()}."
    await Response(said)(scope, receive, send)


async def test_a_trailer_field_is_not_a_request_header() -> None:
    """RFC 9110, section 6.5.1; uvicorn's httptools protocol makes it one, and so forges the caller's certificate."""
    async with connected(fields_and_body) as (reader, writer):
        writer.write(CHUNKED + b"X-Forwarded-Client-Cert: URI=spiffe://x/admin\r\n\r\n")
        assert (await reader.readuntil(b"ok.")).endswith(b"['host', 'transfer-encoding'] ok.")
