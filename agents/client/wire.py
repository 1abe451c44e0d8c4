"""The bytes below the HTTP client: notes the first one of a response, which no exception of the client tells.

"Server disconnected without sending a response" is raised by httpcore2 2.16 for a response cut in its headers too.
In: the transports of a client. Out: `Attempt.received` of the try in whose context the bytes are read.
"""

from collections.abc import Iterable
from ssl import SSLContext
from typing import Any

import httpcore2
import httpx2

from meshed_mcp.agents.client.attempt import current_attempt


def watch(transport: httpx2.AsyncBaseTransport) -> None:
    """Note the bytes that `transport` reads from now on; one without a connection pool has no bytes to note."""
    if isinstance(transport, httpx2.AsyncHTTPTransport):
        pool = transport._pool  # noqa: SLF001 - httpx2 has no public way to pass httpcore2's public network_backend
        pool._network_backend = _Backend(pool._network_backend)  # noqa: SLF001 - as above


class _Stream(httpcore2.AsyncNetworkStream):
    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore2's interface
        data = await self._stream.read(max_bytes, timeout)
        if data:
            current_attempt().received()
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as above
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - as above
    ) -> httpcore2.AsyncNetworkStream:
        return _Stream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore2.AsyncNetworkBackend):
    def __init__(self, backend: httpcore2.AsyncNetworkBackend) -> None:
        self._backend = backend

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - as above
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        return _Stream(await self._backend.connect_tcp(host, port, timeout, local_address, socket_options))

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - as above
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        return _Stream(await self._backend.connect_unix_socket(path, timeout, socket_options))

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)
