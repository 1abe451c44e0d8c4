"""SDK features that the conformance suite does not cover, through `MCPService` and the official client."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.caching import CacheHint
from mcp.server.extension import Extension
from mcp.server.mcpserver import Context
from mcp_types import Completion, CompletionArgument, CompletionContext, PromptReference, ResourceTemplateReference
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from meshed_mcp.agents import MCPService, Settings

pytestmark = pytest.mark.anyio

URL: Final = "http://127.0.0.1:8000"


class Weather(BaseModel):
    """A structured tool result."""

    city: str
    degrees: float


class Units(Extension):
    """An extension with settings of its own."""

    identifier = "com.example/units"

    def settings(self) -> dict[str, Any]:
        """Settings that the server announces to clients."""
        return {"temperature": "celsius"}


@asynccontextmanager
async def client_of(service: MCPService[Any]) -> AsyncIterator[Client]:
    """The official client over HTTP, without a network."""
    app = service.http_app(Settings())
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app)) as http,
        Client(streamable_http_client(f"{URL}/mcp", http_client=http)) as client,
    ):
        yield client


async def test_structured_output_has_a_schema_and_a_value() -> None:
    """MCP 2026-07-28, "Tools", "Structured Content"."""
    service: MCPService[Any] = MCPService("mcp-test")

    @service.tool()
    def weather(city: str) -> Weather:
        """Tell."""
        return Weather(city=city, degrees=21.5)

    async with client_of(service) as client:
        (tool,) = (await client.list_tools()).tools
        result = await client.call_tool("weather", {"city": "Porto"})
    assert tool.output_schema is not None
    assert set(tool.output_schema["properties"]) == {"city", "degrees"}
    assert result.structured_content == {"city": "Porto", "degrees": 21.5}


async def test_completion_gets_previously_resolved_arguments() -> None:
    """MCP 2026-07-28, "Completion": `context.arguments`."""
    service: MCPService[Any] = MCPService("mcp-test")

    @service.completion()
    async def complete(
        _reference: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion:
        before = (context.arguments or {}) if context else {}
        return Completion(values=[f"{before['country']}-{argument.value}"])

    reference = ResourceTemplateReference(type="ref/resource", uri="city://{country}/{city}")
    async with client_of(service) as client:
        result = await client.complete(reference, {"name": "city", "value": "Po"}, {"country": "pt"})
    assert result.completion.values == ["pt-Po"]


async def test_progress_reaches_the_client_during_the_call() -> None:
    """MCP 2026-07-28, "Progress"."""
    service: MCPService[Any] = MCPService("mcp-test")
    seen: list[tuple[float, float | None, str | None]] = []

    @service.tool()
    async def work(context: Context) -> str:
        """Report half, then all."""
        await context.report_progress(1, 2, "half")
        await context.report_progress(2, 2, "all")
        return "done"

    async def note(progress: float, total: float | None, message: str | None) -> None:
        seen.append((progress, total, message))

    async with client_of(service) as client:
        await client.call_tool("work", {}, progress_callback=note)
    assert seen == [(1, 2, "half"), (2, 2, "all")]


async def test_cache_hints_are_on_the_lists_they_name() -> None:
    """MCP 2026-07-28, "Caching": `ttlMs` and `cacheScope`."""
    service: MCPService[Any] = MCPService(
        "mcp-test", cache_hints={"tools/list": CacheHint(ttl_ms=60_000, scope="public")}
    )
    async with client_of(service) as client:
        listed = await client.list_tools()
    assert (listed.ttl_ms, listed.cache_scope) == (60_000, "public")


async def test_an_extension_is_announced_with_its_settings() -> None:
    """MCP 2026-07-28, "Extension Negotiation"."""
    async with client_of(MCPService("mcp-test", extensions=[Units()])) as client:
        capabilities = client.server_capabilities
    assert capabilities is not None
    assert capabilities.extensions == {"com.example/units": {"temperature": "celsius"}}


async def test_the_lifespan_result_reaches_the_tools() -> None:
    """SDK 2.3, `lifespan`: what it yields is there for every call."""

    @asynccontextmanager
    async def opened(_: object) -> AsyncIterator[dict[str, str]]:
        yield {"greeting": "hello"}

    service = MCPService("mcp-test", lifespan=opened)

    @service.tool()
    def greet(context: Context[dict[str, str]]) -> str:
        """Greet."""
        return context.request_context.lifespan_context["greeting"]

    async with client_of(service) as client:
        result = await client.call_tool("greet", {})
    assert result.structured_content == {"result": "hello"}


async def test_custom_routes_are_served_beside_the_endpoint() -> None:
    """SDK 2.3, `custom_route`."""
    service: MCPService[Any] = MCPService("mcp-test")

    @service.custom_route("/about", ["GET"])
    async def about(_: Request) -> PlainTextResponse:
        return PlainTextResponse("about")

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(service.http_app(Settings()))) as http:
        assert (await http.get(f"{URL}/about")).text == "about"


async def test_transport_options_are_arguments_of_run_and_http_app() -> None:
    """Requirement RUN-12: what an environment variable cannot hold is an argument of `run` and `http_app`."""
    service: MCPService[Any] = MCPService("mcp-test")
    service.http_app(Settings(), json_response=True, retry_interval=100)
    assert (service.session_manager.json_response, service.session_manager.retry_interval) == (True, 100)


@pytest.mark.parametrize("path", ["/api/mcp", "/", "/mcp/"])
async def test_the_service_answers_at_its_path_and_nowhere_else(path: str) -> None:
    """Requirement BRG-14: MCP is served at the configured path."""
    service: MCPService[Any] = MCPService("mcp-test")
    service.add_tool(lambda: "found", name="find", description="Find.")
    app = service.http_app(Settings(path=path))
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app)) as http,
        Client(streamable_http_client(f"http://127.0.0.1:8000{path}", http_client=http)) as client,
    ):
        assert [tool.name for tool in (await client.list_tools()).tools] == ["find"]
        assert (await http.post("http://127.0.0.1:8000/elsewhere")).status_code == 404
