"""Streamable HTTP servers: the SDK's client transport over one connection pool of the replica."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
from mcp.client.streamable_http import streamable_http_client

from meshed_mcp.agents.bridge.connector import Link
from meshed_mcp.agents.bridge.lines import LINE_BYTES
from meshed_mcp.agents.client.credentials import OutboundAuth
from meshed_mcp.agents.client.http_client import ServiceHTTPClient, current_attempt, track_attempt
from meshed_mcp.agents.client.secret_headers import SecretHeaders
from meshed_mcp.agents.http import addresses
from meshed_mcp.agents.telemetry.metrics import CALL_METHOD

KEEP_ALIVE_SECONDS: Final = 2.0
"""Idle time after which a pooled connection is not used any more. Servers close theirs after five seconds by default
(uvicorn, Node), and a request that meets the close is lost. Source: uvicorn, `timeout_keep_alive`; Node,
`server.keepAliveTimeout`."""


class HTTPConnector:
    """Opens sessions at one URL.

    Requests carry the current values of `headers`, the caller's trace context and a token of `auth`.
    """

    has_processes = False
    is_http = True

    def __init__(self, url: str, headers: Mapping[str, Callable[[], str]], auth: OutboundAuth | None = None) -> None:
        self.is_stopping = False
        self._url, self._headers, self._auth = url, SecretHeaders(headers), auth
        self.needs_caller = auth is not None and auth.needs_caller
        self.credential = None if auth is None else auth.credential
        """Provider of the credential that each caller gives."""

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
        if self._auth is not None:
            await self._auth.aclose()

    def _shared_client(self) -> httpx2.AsyncClient:
        """Return the pool; without a limit of connections, because each session of a client may hold a stream open."""
        if self._client is None:
            self._client = UpstreamHTTPClient(
                auth=self._auth or self._headers,
                limits=httpx2.Limits(
                    max_connections=None, max_keepalive_connections=100, keepalive_expiry=KEEP_ALIVE_SECONDS
                ),
                trust_env=not is_loopback(self._url),
            )
            if self._auth is not None:  # which repeats requests itself
                hooks = self._client.event_hooks["request"]
                self._client.event_hooks = {"request": [*hooks, self._headers.add]}
        return self._client


class UpstreamHTTPClient(ServiceHTTPClient):
    """Repeats a request once whose connection the server closed before it responded, unless it is a tool call.

    A server may close a pooled connection at any time, also right after a response. Source: RFC 9112, section 9.5; RFC
    9110, section 9.2.2: a client repeats a request by itself only if it knows that this is safe.
    """

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Return the server's response, or that to the second attempt."""
        with track_attempt() as attempt:
            response = await super().send(request, **options)
        is_lost = attempt.failed and not (attempt.unreachable or attempt.response_received)
        if is_lost and is_repeatable(request):
            return await super().send(request, **options)
        current_attempt().add(attempt)
        return response


def is_repeatable(request: httpx2.Request) -> bool:
    """Whether a second execution changes nothing: a JSON-RPC request other than a call of a tool."""
    if request.method != "POST":
        return False
    try:
        message = json.loads(request.content)
    except ValueError:
        return False
    return isinstance(message, dict) and "id" in message and message.get("method", CALL_METHOD) != CALL_METHOD


def is_loopback(url: str) -> bool:
    """Whether the URL is in the same pod, where no proxy may come between."""
    host = urlsplit(url).hostname or ""
    return host == "localhost" or addresses.is_loopback(host)
