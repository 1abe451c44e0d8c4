"""Count and duration of sessions of clients up to 2025-11-25, through the SDK's session manager."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2
import pytest
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from prometheus_client import CollectorRegistry

from meshed_mcp import contract
from meshed_mcp.agents import MCPService
from meshed_mcp.agents.http.sessions import SessionMetrics

pytestmark = pytest.mark.anyio

INITIALIZE: dict[str, Any] = {
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


def ended(registry: CollectorRegistry) -> dict[tuple[str, str], float]:
    """Sessions that have ended, by revision and error."""
    return {
        (sample.labels[contract.LABEL_PROTOCOL], sample.labels[contract.LABEL_ERROR]): sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == f"{contract.METRIC_SESSION_DURATION}_count"
    }


@asynccontextmanager
async def serving(registry: CollectorRegistry, **options: Any) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a service whose sessions are measured in `registry`."""
    service = MCPService("mcp-test")
    app = service.streamable_http_app(host="0.0.0.0", **options)  # noqa: S104 - in process; every Host is served
    SessionMetrics(registry).observe(service.session_manager)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test", headers=HEADERS) as http,
    ):
        yield http


async def test_a_session_is_timed_by_revision_and_end_reason() -> None:
    """OpenTelemetry MCP conventions, `mcp.server.session.duration`: mcp.protocol.version, error.type."""
    older = {**INITIALIZE, "params": {**INITIALIZE["params"], "protocolVersion": "2025-06-18"}}
    async with serving(registry := CollectorRegistry()) as http:
        opened = await http.post(contract.MCP_PATH, json=older)
        await http.delete(contract.MCP_PATH, headers={"mcp-session-id": opened.headers["mcp-session-id"]})
        await http.post(contract.MCP_PATH, json=INITIALIZE)
        assert ended(registry) == {("2025-06-18", ""): 1}
    assert ended(registry) == {("2025-06-18", ""): 1, ("2025-11-25", "cancelled"): 1}


async def test_an_idle_session_ends_by_timeout() -> None:
    """OpenTelemetry, `error.type`: `timeout`; SDK 2.3, `session_idle_timeout`."""
    async with serving(registry := CollectorRegistry(), session_idle_timeout=0.2) as http:
        await http.post(contract.MCP_PATH, json=INITIALIZE)
        with anyio.fail_after(20):
            while not ended(registry):  # noqa: ASYNC110 - the condition is the SDK's timer
                await anyio.sleep(0.02)
    assert ended(registry) == {("2025-11-25", "timeout"): 1}


async def test_a_rejected_initialize_is_not_a_session() -> None:
    """Requirement OBS-1: rejected requests have their own counter, and would distort session durations."""
    async with serving(registry := CollectorRegistry()) as http:
        refused = await http.post(contract.MCP_PATH, json={**INITIALIZE, "method": "tools/list"})
        assert refused.status_code == 400
        assert registry.get_sample_value(contract.METRIC_ACTIVE_SESSIONS) == 0
    assert ended(registry) == {}


async def test_a_session_is_open_from_initialize_to_delete_and_then_timed() -> None:
    """OpenTelemetry MCP conventions, `mcp.server.session.duration`; MCP 2025-11-25, "Session Management"."""
    service = MCPService("mcp-test")
    app = service.streamable_http_app(host="0.0.0.0")  # noqa: S104 - in process; every Host is served
    metrics = SessionMetrics(registry := service.metrics.__class__())
    metrics.observe(service.session_manager)

    def seen() -> tuple[float | None, float | None]:
        return registry.get_sample_value(contract.METRIC_ACTIVE_SESSIONS), sum(ended(registry).values())

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


def test_the_sdk_keeps_its_sessions_where_the_guard_expects() -> None:
    """SDK 2.3, a private name: `StreamableHTTPSessionManager._server_instances`, a dict."""
    manager = StreamableHTTPSessionManager(MCPService("mcp-test")._lowlevel_server)
    assert manager._server_instances == {}
