"""Clients for a running stack: the official SDK for MCP servers, plain HTTP for the registry and rejected calls."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import TextContent

from meshed_mcp.error_codes.local import REQUEST_FAILED, TOOL_FAILED
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.translate.endpoints import Endpoint

TIMEOUT_SECONDS: Final = 60.0
"""Timeout of one request; a tool that calls other tools is slow on few cores."""

TimedRequest = Callable[[], Awaitable[object]]
"""Sends one request and waits for its response."""


def http_client(endpoint: Endpoint) -> httpx2.AsyncClient:
    """A client that uses the endpoint's proxy and ignores the proxies of the environment."""
    optional = {"Host": endpoint.host, "Authorization": endpoint.token and f"Bearer {endpoint.token}"}
    headers = {name: value for name, value in optional.items() if value}
    return httpx2.AsyncClient(proxy=endpoint.proxy, headers=headers, trust_env=False, timeout=TIMEOUT_SECONDS)


@asynccontextmanager
async def mcp_client(endpoint: Endpoint) -> AsyncIterator[Client]:
    """A connected client of the SDK. Raises LocalRunError for every error in the block."""
    try:
        async with (
            http_client(endpoint) as client,
            Client(streamable_http_client(endpoint.url, http_client=client)) as session,
        ):
            yield session
    except Exception as error:
        raise LocalRunError(REQUEST_FAILED.message(url=endpoint.url, reason=_cause(error))) from error


async def tools(endpoint: Endpoint) -> list[str]:
    """Names of a server's tools."""
    async with mcp_client(endpoint) as session:
        return [tool.name for tool in (await session.list_tools()).tools]


async def call(endpoint: Endpoint, tool: str, arguments: dict[str, Any]) -> str:
    """Text of a tool's result. Raises LocalRunError with that text when the tool returns an error."""
    async with mcp_client(endpoint) as session:
        result = await session.call_tool(tool, arguments)
    text = " ".join(part.text for part in result.content if isinstance(part, TextContent))
    if result.is_error:
        raise LocalRunError(TOOL_FAILED.message(url=endpoint.url, tool=tool, text=text))
    return text


async def status(endpoint: Endpoint, method: str) -> int | None:
    """HTTP status of a request; None when the connection is refused or closed."""
    async with http_client(endpoint) as client:
        try:
            return (await client.request(method, endpoint.url)).status_code
        except httpx2.TransportError:
            return None


@asynccontextmanager
async def repeatable_request(endpoint: Endpoint, *, mcp: bool) -> AsyncIterator[TimedRequest]:
    """A request to repeat on one connection: tools/list without the cache, or a GET."""
    if mcp:
        async with mcp_client(endpoint) as session:
            yield lambda: session.list_tools(cache_mode="bypass")
    else:
        async with http_client(endpoint) as client:

            async def get() -> None:
                (await client.get(endpoint.url)).raise_for_status()

            yield get


def _cause(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
