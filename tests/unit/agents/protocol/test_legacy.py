"""`legacy`: sessions for clients up to 2025-11-25, stateless service, or the specified rejection."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.streamable_http_manager import DEFAULT_SESSION_IDLE_TIMEOUT
from mcp_types import HEADER_MISMATCH, UNSUPPORTED_PROTOCOL_VERSION, TextContent
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from meshed_mcp import contract
from meshed_mcp.agents import MCPService, Settings
from meshed_mcp.agents.protocol.legacy import MAX_REJECTED_BYTES, session_options
from meshed_mcp.contract import Legacy
from tests.behaviors import own_auth_service

pytestmark = pytest.mark.anyio

BASE: Final = "http://127.0.0.1:8000"
URL: Final = f"{BASE}/mcp"
VERSION: Final = "MCP-Protocol-Version"
SERVED: Final = ["2026-07-28"]
INITIALIZE: Final = {
    "jsonrpc": "2.0",
    "id": 7,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "old", "version": "1"}},
}


@asynccontextmanager
async def served(legacy: Legacy) -> AsyncIterator[httpx2.AsyncClient]:
    """A service with one tool and one custom route, without a network."""
    service = MCPService("mcp-test")

    @service.tool()
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    @service.custom_route("/about", ["GET"])
    async def about(_: Request) -> PlainTextResponse:
        return PlainTextResponse("about")

    app = service.http_app(Settings(legacy=legacy))
    headers = {"Accept": "application/json, text/event-stream"}
    transport = httpx2.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx2.AsyncClient(transport=transport, headers=headers) as client:
        yield client


async def sum_of_two(client: httpx2.AsyncClient, mode: Any) -> str:
    """Return the result of the tool through the official client."""
    async with Client(streamable_http_client(URL, http_client=client), mode=mode) as session:
        content = (await session.call_tool("add", {"a": 2, "b": 3})).content[0]
    assert isinstance(content, TextContent)
    return content.text


async def test_the_default_is_stateless() -> None:
    """Requirement RUN-16: the default for clients up to 2025-11-25 is stateless."""
    assert Settings().legacy is Legacy.STATELESS


@pytest.mark.parametrize("legacy", list(Legacy))
async def test_a_new_client_is_served_with_every_legacy_setting(legacy: Legacy) -> None:
    """MCP 2026-07-28 has no sessions: the setting is about older revisions only."""
    async with served(legacy) as client:
        assert await sum_of_two(client, "2026-07-28") == "5"
        assert await sum_of_two(client, "auto") == "5"


@pytest.mark.parametrize("legacy", [Legacy.STATELESS, Legacy.STICKY])
async def test_an_old_client_is_served(legacy: Legacy) -> None:
    """MCP 2026-07-28, "Compatibility Matrix": a dual-era server responds to `initialize`."""
    async with served(legacy) as client:
        assert await sum_of_two(client, "legacy") == "5"


@pytest.mark.parametrize(("legacy", "session"), [(Legacy.STATELESS, False), (Legacy.STICKY, True)])
async def test_only_sticky_creates_a_session(legacy: Legacy, session: bool) -> None:
    """MCP 2025-11-25, "Session Management": a server may assign an id when it responds to `initialize`."""
    async with served(legacy) as client:
        response = await client.post(URL, json=INITIALIZE)
    assert response.status_code == 200
    assert ("mcp-session-id" in response.headers) is session


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
async def test_off_rejects_an_old_revision_and_lists_the_served_ones(version: str) -> None:
    """MCP 2026-07-28, "Protocol Version Header": 400 and UnsupportedProtocolVersionError, for known versions too."""
    async with served(Legacy.OFF) as client:
        response = await client.post(URL, json={**INITIALIZE, "method": "tools/list"}, headers={VERSION: version})
    assert response.status_code == 400
    assert response.json() == {
        "jsonrpc": "2.0",
        "id": 7,
        "error": {
            "code": UNSUPPORTED_PROTOCOL_VERSION,
            "message": "Unsupported protocol version",
            "data": {"supported": SERVED, "requested": version},
        },
    }


async def test_off_answers_initialize_with_the_served_revisions() -> None:
    """MCP 2026-07-28, "Server Validation" (a missing header is a mismatch) and "Versioning" (name what is served)."""
    async with served(Legacy.OFF) as client:
        response = await client.post(URL, json=INITIALIZE)
    assert response.status_code == 400
    assert response.json()["id"] == 7
    assert response.json()["error"] == {
        "code": HEADER_MISMATCH,
        "message": "Header mismatch: mcp-protocol-version is missing. Served revisions: 2026-07-28",
        "data": {"supported": SERVED},
    }


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_off_accepts_only_post(method: str) -> None:
    """MCP 2026-07-28, "Earlier Streamable HTTP Revisions"."""
    async with served(Legacy.OFF) as client:
        response = await client.request(method, URL, headers={"mcp-session-id": "abc", VERSION: "2025-11-25"})
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
@pytest.mark.parametrize("headers", [{}, {"mcp-session-id": "abc"}, {VERSION: "2025-11-25"}, {VERSION: "2026-07-28"}])
async def test_stateless_offers_no_stream_and_accepts_only_post(method: str, headers: dict[str, str]) -> None:
    """MCP 2025-11-25, "Listening for Messages from the Server": 405 says that there is no stream at this endpoint."""
    async with served(Legacy.STATELESS) as client:
        response = await client.request(method, URL, headers={"Accept": "text/event-stream", **headers})
    assert (response.status_code, response.headers["allow"], response.content) == (405, "POST", b"")


async def test_a_get_without_a_token_gets_401_and_not_405() -> None:
    """Requirement STR-1: an unauthenticated client learns where to get a token (RFC 9728, section 5.1)."""
    app = own_auth_service.service.http_app(Settings())
    transport = httpx2.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx2.AsyncClient(transport=transport) as client:
        response = await client.get(URL, headers={"Accept": "text/event-stream"})
    assert response.status_code == 401
    assert "resource_metadata" in response.headers["www-authenticate"]


async def test_stateless_does_not_affect_other_routes() -> None:
    """Requirement STR-1: the rule is about the MCP endpoint only."""
    async with served(Legacy.STATELESS) as client:
        assert (await client.get(f"{BASE}/about")).text == "about"


async def test_off_does_not_affect_other_routes() -> None:
    """Requirement RUN-16: the setting is about the MCP endpoint only."""
    async with served(Legacy.OFF) as client:
        assert (await client.get(f"{BASE}/about")).text == "about"


async def test_off_passes_an_unknown_revision_to_the_sdk() -> None:
    """MCP 2026-07-28, "Protocol Version Header": the same error, implemented once."""
    prefix = "io.modelcontextprotocol"
    meta = {f"{prefix}/protocolVersion": "1900-01-01", f"{prefix}/clientCapabilities": {}}
    body = {"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": {"_meta": meta}}
    async with served(Legacy.OFF) as client:
        response = await client.post(URL, json=body, headers={VERSION: "1900-01-01", "Mcp-Method": "tools/list"})
    assert response.status_code == 400
    assert response.json()["error"]["data"]["requested"] == "1900-01-01"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="no JSON"),
        pytest.param(b"[]", id="a batch"),
        pytest.param(b'"text"', id="a text"),
        pytest.param(b"\xff\xfe\x00", id="no text"),
        pytest.param(b'{"id": true}', id="an id that is none"),
        pytest.param(b'{"id": {"a": 1}}', id="an id that is an object"),
        pytest.param(b"[" * 60_000, id="60,000 deep"),
        pytest.param(b'{"id": 7, "x": "' + b"x" * MAX_REJECTED_BYTES + b'"}', id="more than is read"),
    ],
)
async def test_off_rejects_with_a_null_id_if_there_is_none(body: bytes) -> None:
    """JSON-RPC 2.0, section 5: the id is null when it cannot be detected."""
    async with served(Legacy.OFF) as client:
        response = await client.post(URL, content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    assert response.json()["id"] is None
    assert response.json()["error"]["code"] == HEADER_MISMATCH


async def test_the_session_idle_timeout_is_the_sdks_own() -> None:
    """SDK 2.3, `DEFAULT_SESSION_IDLE_TIMEOUT`: the product repeats this value."""
    assert session_options(Legacy.STICKY, 60) == {"session_idle_timeout": 60}
    assert contract.SESSION_IDLE_SECONDS == DEFAULT_SESSION_IDLE_TIMEOUT
