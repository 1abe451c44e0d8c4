"""The load balancer in front of the gateway: it terminates TLS and passes the bytes on."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

CHUNK: Final = 65536
START_SECONDS: Final = 10


@contextlib.contextmanager
def tls_edge(certificate: Path, port: int) -> Iterator[int]:
    """Serve TLS in front of a loopback port during the block; yields the port of the edge."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    edge = _Edge(context, port)
    thread = threading.Thread(target=asyncio.run, args=(edge.serve(),), daemon=True)
    thread.start()
    try:
        assert edge.started.wait(START_SECONDS), "the TLS edge did not start"
        yield edge.port
    finally:
        edge.stop()
        thread.join(START_SECONDS)


class _Edge:
    """One event loop in a thread: threads may not share a TLS connection."""

    def __init__(self, context: ssl.SSLContext, target: int) -> None:
        self._context, self._target = context, target
        self.started = threading.Event()
        self.port = 0

    async def serve(self) -> None:
        """Serve until `stop`."""
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._relay, "127.0.0.1", 0, ssl=self._context)
        self.port = server.sockets[0].getsockname()[1]
        self.started.set()
        await self._stopped.wait()
        server.close()

    def stop(self) -> None:
        """End `serve`, from another thread."""
        self._loop.call_soon_threadsafe(self._stopped.set)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            back, forth = await asyncio.open_connection("127.0.0.1", self._target)
            await asyncio.gather(_copy(reader, forth), _copy(back, writer))


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Copy until one side ends. TLS has no half-closed connection, so the other direction ends too."""
    with contextlib.suppress(OSError, asyncio.CancelledError):
        while data := await source.read(CHUNK):
            target.write(data)
            await target.drain()
    target.close()
