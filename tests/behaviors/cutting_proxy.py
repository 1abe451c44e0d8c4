"""A TCP proxy that breaks the connection of a tool call at the point that the call's arguments name."""

import asyncio
import contextlib
import json
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import h11

NEVER = 10**9


@dataclass(frozen=True)
class Cut:
    """Where a call is broken: share of the request that is forwarded, and bytes of the response that are returned."""

    request_share: float = 1.0
    response_bytes: Callable[[bytes], int] = lambda _: NEVER
    reset: bool = False


def head_of(response: bytes) -> int:
    """Return the length of status line and headers."""
    return response.index(b"\r\n\r\n") + 4


CUTS = {
    "before the request is passed on": Cut(request_share=0, response_bytes=lambda _: 0),
    "in the middle of the request": Cut(request_share=0.5, response_bytes=lambda _: 0),
    "after the request": Cut(response_bytes=lambda _: 0),
    "after one byte of the response": Cut(response_bytes=lambda _: 1),
    "in the middle of the headers": Cut(response_bytes=lambda response: head_of(response) // 2),
    "after the headers": Cut(response_bytes=head_of),
    "in the middle of the body": Cut(response_bytes=lambda response: (head_of(response) + len(response)) // 2),
}
UNEXECUTED = frozenset({"before the request is passed on", "in the middle of the request"})
BEGUN = frozenset({"after the headers", "in the middle of the body"})
"""Cuts after which the client has a part of the response if it is an event stream."""


@dataclass
class CuttingProxy:
    """Forwards HTTP/1.1 to `port`; a `tools/call` with the argument `cut` is broken there, `times` times."""

    port: int
    cuts: Counter[str] = field(default_factory=Counter)
    outages: int = 0
    """Number of next requests, of any kind, that get no response."""

    streamed: set[str] = field(default_factory=set)
    """Tokens of the calls whose response was an event stream."""

    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(_length(head))
                self.heads.append(head)
                self.bodies.append(body)
                if self.outages:
                    self.outages -= 1
                    break
                cut = self._cut(body)
                response = await self._forward(head + body, cut)
                if b"text/event-stream" in response and (params := json.loads(body or b"{}").get("params")):
                    self.streamed.add(str(params.get("arguments", {}).get("token")))
                shown = response[: cut.response_bytes(response)] if response else b""
                writer.write(shown)
                await writer.drain()
                if cut.reset:
                    linger = struct.pack("ii", 1, 0)
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                if cut.reset or len(shown) < len(response) or not response:
                    break
        writer.close()

    def _cut(self, body: bytes) -> Cut:
        message = json.loads(body or b"{}")
        if message.get("method") != "tools/call":
            return Cut()
        arguments = message["params"]["arguments"]
        self.cuts[arguments["token"]] += 1
        where = arguments.get("cut")
        if where is None or self.cuts[arguments["token"]] > arguments.get("times", 1):
            return Cut()
        found = CUTS[where] if where in CUTS else Cut(response_bytes=lambda _: int(where))
        return Cut(found.request_share, found.response_bytes, reset=arguments.get("reset", False))

    async def _forward(self, request: bytes, cut: Cut) -> bytes:
        """Return the whole response; empty if only a part of the request is forwarded."""
        if not cut.request_share:
            return b""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request[: int(len(request) * cut.request_share)])
        await writer.drain()
        response = await _whole_response(reader) if cut.request_share == 1 else b""
        writer.close()
        return response


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0


async def _whole_response(reader: asyncio.StreamReader) -> bytes:
    parser = h11.Connection(h11.CLIENT)
    parser.send(h11.Request(method="POST", target="/", headers=[("host", "server")]))
    parser.send(h11.EndOfMessage())
    response = b""
    while True:
        event = parser.next_event()
        if isinstance(event, h11.EndOfMessage):
            return response
        if event is h11.NEED_DATA:
            data = await reader.read(65536)
            response += data
            parser.receive_data(data)


@asynccontextmanager
async def cutting(port: int) -> AsyncIterator[tuple[CuttingProxy, str]]:
    """Run a proxy in front of `port`; yield it and the URL of the MCP endpoint through it."""
    proxy = CuttingProxy(port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    async with server:
        yield proxy, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"
