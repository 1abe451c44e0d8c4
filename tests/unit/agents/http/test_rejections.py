"""Reasons of requests rejected without execution, through DrainMiddleware."""

import json
from typing import Any

import httpx2
import pytest

from meshed_mcp import contract
from meshed_mcp.agents import MCPService, Settings
from meshed_mcp.agents.http.drain import DrainMiddleware
from meshed_mcp.agents.http.edge import EdgeMiddleware
from meshed_mcp.agents.http.rejections import READ_BYTES, REASONS, reason_for

pytestmark = pytest.mark.anyio

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
PING = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": META}}
HEADERS = {
    "accept": "application/json, text/event-stream",
    "content-type": "application/json",
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tools/list",
}

REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "another's host": ("host", {"headers": {"host": "attacker.example"}}),
    "header contradicts body": ("header", {"headers": {"mcp-method": "prompts/list"}}),
    "unknown revision": (
        "version",
        {
            "headers": {"mcp-protocol-version": "2030-01-01"},
            "content": json.dumps(PING).replace("2026-07-28", "2030-01-01"),
        },
    ),
    "no JSON": ("malformed", {"content": b"{"}),
    "no JSON-RPC": ("malformed", {"content": b"[]"}),
    "too large": ("size", {"content": b" " * (4 * 1024 * 1024 + 1)}),
    "no JSON accepted": ("media", {"headers": {"accept": "text/html"}}),
}


async def counted(**changed: Any) -> dict[str, float]:
    """Reasons counted after one request that differs from a good one as given."""
    service = MCPService("mcp-test")
    app = service.http_app(Settings())
    middleware = DrainMiddleware(EdgeMiddleware(app, Settings()), service.metrics)
    request = {"content": json.dumps(PING)} | changed | {"headers": HEADERS | changed.get("headers", {})}
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(middleware), base_url="http://127.0.0.1") as http,
    ):
        await http.post(contract.MCP_PATH, **request)
    samples = {
        reason: service.metrics.get_sample_value(contract.METRIC_REJECTED, {"reason": reason}) for reason in REASONS
    }
    assert None not in samples.values(), "every reason is there before its first request"
    return {reason: value for reason, value in samples.items() if value}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_rejected_request_is_counted_by_reason(case: str) -> None:
    """RFC 9110, section 15.5; MCP 2026-07-28, "Error Codes": these never reach the SDK's middleware."""
    reason, changed = REFUSED[case]
    assert await counted(**changed) == {reason: 1}


async def test_an_executed_request_is_not_a_rejection() -> None:
    """Requirement OBS-1: calls that the middleware has seen are in the operation metric."""
    assert await counted() == {}


def test_responses_of_other_applications_are_not_counted_as_rejections() -> None:
    """Requirement OBS-1: 404 and 400 of a plain API are ordinary responses; a long body is not parsed."""
    assert reason_for(404, b'{"title": "Not Found"}') == ""
    assert reason_for(400, b"not JSON") == ""
    long = json.dumps({"error": {"code": -32700, "message": "x" * READ_BYTES}}).encode()
    assert reason_for(400, long) == ""
    assert reason_for(404, b'{"error": {"code": -32600}}') == "session"
