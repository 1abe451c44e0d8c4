"""Sessions of clients up to 2025-11-25, counted and timed through the SDK's own session manager."""

import httpx2
import pytest
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from meshed_mcp import contract
from meshed_mcp.agents import MCPService
from meshed_mcp.agents.sessions import SessionMetrics

pytestmark = pytest.mark.anyio

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
HEADERS = {"accept": "application/json, text/event-stream"}


async def test_a_session_is_open_from_initialize_to_delete_and_then_timed() -> None:
    """OpenTelemetry MCP conventions, `mcp.server.session.duration`; MCP 2025-11-25, "Session Management"."""
    service = MCPService("mcp-test")
    app = service.streamable_http_app(host="0.0.0.0")  # noqa: S104 - in process; every Host is served
    metrics = SessionMetrics(registry := service.metrics.__class__())
    metrics.watch(service.session_manager)

    def seen() -> tuple[float | None, float | None]:
        ended = registry.get_sample_value(f"{contract.METRIC_SESSION_DURATION}_count")
        return registry.get_sample_value(contract.METRIC_ACTIVE_SESSIONS), ended

    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test", headers=HEADERS) as http,
    ):
        assert seen() == (0, 0)
        opened = await http.post(contract.MCP_PATH, json=INITIALIZE)
        assert seen() == (1, 0)
        await http.delete(contract.MCP_PATH, headers={"mcp-session-id": opened.headers["mcp-session-id"]})
        assert seen() == (0, 1)
        await http.post(contract.MCP_PATH, json=INITIALIZE)
        assert seen() == (1, 1)
    assert seen() == (0, 2)


def test_the_sdk_keeps_its_sessions_where_we_look() -> None:
    """SDK 2.3, a private name: `StreamableHTTPSessionManager._server_instances`, a dict."""
    manager = StreamableHTTPSessionManager(MCPService("mcp-test")._lowlevel_server)
    assert manager._server_instances == {}
