"""What the bridge adds to a server: tool policy, registry entry, and messages that the SDK does not know."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import mcp_types
import pytest
from mcp import MCPError
from mcp.server.lowlevel import Server
from mcp_types import ListToolsResult, PaginatedRequestParams, Request, Result, Tool

from meshed_mcp import contract
from meshed_mcp.agents.bridge.service import offered
from meshed_mcp.agents.http.listener import bind_socket, listening
from meshed_mcp.agents.registry.registration import current_entry
from meshed_mcp.agents.settings import Settings
from tests.unit.agents.bridge.conftest import SERVER, bridged

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore::mcp.MCPDeprecationWarning")]
STDIO = (sys.executable, str(SERVER), "stdio")


class Weather(Result):
    """Result of a method that no revision knows."""

    degrees: float


async def list_tools(_: Any, params: PaginatedRequestParams | None) -> ListToolsResult:
    """Two pages of one tool."""
    last = params is not None and params.cursor == "second"
    tool = Tool(
        name="two" if last else "one", input_schema={"type": "object"}, _meta={"com.example/page": 2 if last else 1}
    )
    return ListToolsResult(tools=[tool], next_cursor=None if last else "second")


async def weather(ctx: Any, __: Any) -> dict[str, Any]:
    """Return what the bridge has passed on."""
    return {"degrees": 21.5, "city": ctx.params["city"]}


@asynccontextmanager
async def paged() -> AsyncIterator[str]:
    """An upstream with pages and a method of its own."""
    server: Server[Any] = Server("paged", version="1.0.0", description="Pages.", on_list_tools=list_tools)
    server.add_request_handler("com.example/weather", mcp_types.RequestParams, weather)
    listener = bind_socket("127.0.0.1", contract.ENV_PORT, 0)
    async with listening(server.streamable_http_app(), listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_pages_and_their_cursors_pass(mode: str) -> None:
    """MCP, "Pagination": a cursor is opaque and the upstream's own."""
    async with paged() as url, bridged(upstream_url=url, legacy="sticky") as bridge, bridge.client(mode) as (client, _):
        first = await client.list_tools()
        assert ([tool.name for tool in first.tools], first.next_cursor) == (["one"], "second")
        second = await client.list_tools(cursor=first.next_cursor)
        assert ([tool.meta for tool in second.tools], second.next_cursor) == ([{"com.example/page": 2}], None)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_methods_of_extensions_pass(mode: str) -> None:
    """MCP 2026-07-28, "Extensions": methods that this SDK does not know."""
    request = Request[Any, Any](method="com.example/weather", params={"city": "Porto"})
    async with paged() as url, bridged(upstream_url=url, legacy="sticky") as bridge, bridge.client(mode) as (client, _):
        found = await client.session.send_request(request, Weather)
        assert found.degrees == 21.5


async def test_the_registry_entry_has_the_tools_of_all_pages() -> None:
    """Requirement BRG-1: name and path of the service, version, description and tools of the upstream."""
    async with paged() as url, bridged(upstream_url=url) as bridge:
        entry = await current_entry(bridge.service, Settings(service="mcp-paged", path="/api"))
        text = entry.model_dump_json()
    assert '"http://mcp-paged:8000/api"' in text
    assert '"1.0.0"' in text
    assert '"one"' in text
    assert '"two"' in text


async def test_the_tool_policy_holds_for_the_upstreams_tools() -> None:
    """Requirement SEC-3: a denied tool is neither listed nor called."""
    policy = {"echo": {"allow": ["cluster.local/ns/a/sa/b"]}}
    async with bridged(upstream_command=STDIO, tool_policy=policy) as bridge, bridge.client() as (client, _):
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert "size" in names
        assert "echo" not in names
        with pytest.raises(MCPError) as caught:
            await client.call_tool("echo", {"text": "x"})
        assert caught.value.error.code == contract.FORBIDDEN


async def test_without_sessions_no_notification_is_offered() -> None:
    """MCP 2025-11-25, "Capability Negotiation": a client without a session gets no notifications."""
    async with bridged(upstream_command=STDIO) as bridge, bridge.client("legacy") as (client, _):
        assert client.server_capabilities is not None
        assert client.server_capabilities.tools is not None
        assert client.server_capabilities.tools.list_changed is None
        with pytest.raises(MCPError) as caught:
            await client.subscribe_resource("note://1")
        assert caught.value.error.code == mcp_types.METHOD_NOT_FOUND


async def test_a_bridge_without_sessions_offers_no_stream() -> None:
    """MCP 2025-11-25, "Listening for Messages from the Server": 405, whatever the upstream behind it offers."""
    async with paged() as url, bridged(upstream_url=url) as bridge, httpx.AsyncClient(trust_env=False) as http:
        response = await http.get(bridge.url, headers={"Accept": "text/event-stream"})
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


def test_the_capabilities_of_an_upstream_stay() -> None:
    """Requirement BRG-1: only what needs a session is left out without one."""
    found = {"tools": {"listChanged": True}, "resources": {"subscribe": True}, "experimental": {"x": {"y": 1}}}
    assert offered(found, has_sessions=True) == found
    assert offered(found, has_sessions=False) == {"tools": {}, "resources": {}, "experimental": {"x": {"y": 1}}}
