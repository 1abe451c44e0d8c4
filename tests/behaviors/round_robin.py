"""The official client over several replicas in turn: what a mesh without affinity does, in the client's transport."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import cycle
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.behaviors.replicas import Service


class RoundRobin(httpx2.AsyncBaseTransport):
    """Sends each request to the next replica; `served` says which got which JSON-RPC method."""

    def __init__(self, services: Sequence[Service]) -> None:
        self._inner = httpx2.AsyncHTTPTransport()
        self._ports = cycle(service.port for service in services)
        self.served: list[tuple[str, int]] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request."""
        port = next(self._ports)
        self.served.append((request.headers.get("mcp-method", request.method), port))
        request.url = request.url.copy_with(port=port)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


@asynccontextmanager
async def client_of(services: Sequence[Service], **options: Any) -> AsyncIterator[tuple[Client, RoundRobin]]:
    """Yield a client of all replicas and its transport."""
    transport = RoundRobin(services)
    async with (
        httpx2.AsyncClient(transport=transport, timeout=30) as http,
        Client(streamable_http_client(services[0].url, http_client=http), mode="2026-07-28", **options) as client,
    ):
        yield client, transport
