"""A connection's way out: the head of an answer leaves together with what follows it at once.

uvicorn writes a head and its body one after the other, so they travel as two packets, and every proxy on the way wakes,
reads, encrypts and writes twice for one answer. Source: ASGI, HTTP, "Response Start": a server must not send the head
before it has a piece of the body. A stream whose first piece takes its time gets its head out nevertheless.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


class WholeAnswers(asyncio.Transport):
    """What uvicorn's protocol uses of a transport."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport, self._loop = transport, loop
        self._head = b""
        self._answering: RequestResponseCycle | None = None

    def expect_head_of(self, answering: RequestResponseCycle) -> None:
        """The next thing written once this answer has begun is its head."""
        self._answering = answering

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send, but a head only with the next piece, or when the loop has done what was due before."""
        if self._answering is not None and self._answering.response_started:
            self._answering = None
            self._head = bytes(data)
            self._loop.call_soon(self._send, b"")
        else:
            self._send(data)

    def close(self) -> None:
        """Close when all is sent."""
        self._send(b"")
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether it is closed or about to be."""
        return self._transport.is_closing()

    def resume_reading(self) -> None:
        """Read on."""
        self._transport.resume_reading()

    def _send(self, data: bytes | bytearray | memoryview) -> None:
        head, self._head = self._head, b""
        self._transport.write(head + data)
