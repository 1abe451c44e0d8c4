"""A client that outlives its servers: a connection error fails one call only."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from mcp import Client

from meshed_mcp.agents.services.controller.service import service

pytestmark = pytest.mark.anyio

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(answer: Answer) -> AsyncIterator[str]:
    """A TCP server that does with each connection what the test says; yields its URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await answer(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"


async def ask(client: Client) -> str:
    """Text of an answer that must fail."""
    result = await client.call_tool("answer", {"question": "Why?"})
    assert result.is_error
    (block,) = result.content
    assert block.type == "text"
    assert "\n" not in block.text
    return block.text


def says(response: bytes) -> Answer:
    """Answer with these bytes and close."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(response)
        await writer.drain()

    return answer


async def test_a_refused_connection_fails_only_the_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Seen with mcp 2.3.0: an exception of the HTTP client ends the client with all its calls, and its opener."""
    monkeypatch.setenv("MESHED_MCP_RAG_URL", "http://127.0.0.1:1/mcp")
    async with Client(service) as client:
        for _ in range(2):
            error = await ask(client)
            assert error.endswith("the called service is not available at the moment. Try again later.")
        both = await asyncio.gather(ask(client), ask(client))
    assert len(both) == 2


@pytest.mark.parametrize(
    ("response", "text"),
    [
        (b"", "is not available"),
        (b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{", "is not available"),
        (b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 20\r\n\r\nno healthy upstream\n", "is not available"),
        (b"HTTP/1.1 403 Forbidden\r\ncontent-length: 19\r\n\r\nRBAC: access denied", "rejected the call of search"),
        (b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {\r\n", "is not available"),
    ],
)
async def test_a_broken_response_is_one_line_and_the_next_call_is_tried(
    monkeypatch: pytest.MonkeyPatch, response: bytes, text: str
) -> None:
    """Requirement RUN-9: a peer killed during a response, and a proxy's own response, fail one call only."""
    async with listening(says(response)) as url:
        monkeypatch.setenv("MESHED_MCP_RAG_URL", url)
        async with Client(service) as client:
            for _ in range(2):
                error = await ask(client)
                assert f"the called service {text}" in error
