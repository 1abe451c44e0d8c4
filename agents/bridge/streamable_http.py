"""Streamable HTTP servers: the SDK's client transport over one connection pool of the replica."""

import ipaddress
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

import httpx2
from mcp.client.streamable_http import streamable_http_client

from meshed_mcp.agents.bridge.connector import Link
from meshed_mcp.agents.bridge.lines import LINE_BYTES
from meshed_mcp.agents.client.http_client import ServiceHTTPClient

KEEP_ALIVE_SECONDS: Final = 2.0
"""Idle time after which a pooled connection is not used any more. Servers close theirs after five seconds by default
(uvicorn, Node), and a request that meets the close is lost. Source: uvicorn, `timeout_keep_alive`; Node,
`server.keepAliveTimeout`."""


class HTTPConnector:
    """Opens sessions at one URL. Requests carry `headers` and the caller's trace context."""

    has_processes = False
    is_http = True

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self.is_stopping = False
        self._url, self._headers = url, dict(headers)
        self._client: httpx2.AsyncClient | None = None

    @asynccontextmanager
    async def connect(self, session: str) -> AsyncIterator[Link]:  # noqa: ARG002 - the upstream names its sessions
        """Open one session inside the block; a session of a stateful server ends with DELETE."""
        async with streamable_http_client(
            self._url, http_client=self._shared_client(), max_sse_event_size=LINE_BYTES
        ) as (read, write):
            yield Link(read, write)

    async def aclose(self) -> None:
        """Close the connection pool."""
        if self._client is not None:
            await self._client.aclose()

    def _shared_client(self) -> httpx2.AsyncClient:
        """Return the pool; without a limit of connections, because each session of a client may hold a stream open."""
        if self._client is None:
            self._client = ServiceHTTPClient(
                headers=self._headers,
                limits=httpx2.Limits(
                    max_connections=None, max_keepalive_connections=100, keepalive_expiry=KEEP_ALIVE_SECONDS
                ),
                trust_env=not is_loopback(self._url),
            )
        return self._client


def is_loopback(url: str) -> bool:
    """Whether the URL is in the same pod, where no proxy may come between."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
