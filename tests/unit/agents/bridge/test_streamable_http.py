"""HTTP upstreams: credentials, an upstream that is down, sessions, and one trace."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp_types import TextContent
from opentelemetry import trace
from starlette.types import ASGIApp

from meshed_mcp import contract
from meshed_mcp.agents.bridge.settings import BridgeSettings
from meshed_mcp.agents.bridge.streamable_http import UpstreamHTTPClient, is_loopback
from meshed_mcp.agents.http.listener import bind_socket, listening
from tests.mounted_files import MountedFiles
from tests.unit.agents.bridge.conftest import Bridge, bridged

pytestmark = pytest.mark.anyio
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def upstream(**options: Any) -> ASGIApp:
    """A server that returns a header of its request."""
    server = MCPServer("upstream", log_level="ERROR")

    @server.tool()
    def header(name: str, ctx: Context) -> str:
        """Return a header."""
        request: Any = ctx.request_context.request
        return str(request.headers.get(name))

    return server.streamable_http_app(**options)


@asynccontextmanager
async def serving(app: ASGIApp, port: int = 0) -> AsyncIterator[int]:
    """Serve on a loopback port."""
    listener = bind_socket("127.0.0.1", contract.ENV_PORT, port)
    async with listening(app, listener):
        yield listener.getsockname()[1]


async def header(bridge: Bridge, name: str, mode: str = "auto", **options: Any) -> str:
    """Return a header of the request that the upstream gets."""
    failure: MCPError | None = None
    async with bridge.client(mode) as (client, _):
        try:
            result = await client.call_tool("header", {"name": name}, **options)
        except MCPError as error:
            failure = error
    if failure is not None:
        raise failure
    assert isinstance(result.content[0], TextContent)
    return result.content[0].text


async def test_headers_and_token_reach_the_upstream_and_the_callers_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """MCP, "Security Best Practices", token passthrough: the caller's token stays at the bridge."""
    monkeypatch.setenv("API_KEY", "secret")
    async with serving(upstream()) as port:
        settings: dict[str, Any] = {"upstream_headers": {"x-api-key": "API_KEY"}, "upstream_token": "t0ken"}
        async with bridged(upstream_url=f"http://127.0.0.1:{port}/mcp", **settings) as bridge:
            assert await header(bridge, "x-api-key") == "secret"
            assert await header(bridge, "authorization") == "Bearer t0ken"
            assert await header(bridge, "mcp-name") == "header"


async def test_a_rotated_token_and_header_are_used_from_the_next_request_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Requirement ROT-6: the pool of connections and the sessions stay."""
    files = MountedFiles(tmp_path / "files", {"token": "one\n", "key": "a"})
    monkeypatch.setenv("API_KEY_FILE", files.path("key"))
    async with serving(upstream()) as port:
        variables = {
            contract.ENV_UPSTREAM_URL: f"http://127.0.0.1:{port}/mcp",
            contract.ENV_UPSTREAM_HEADERS: '{"x-api-key": "API_KEY"}',
            f"{contract.ENV_UPSTREAM_TOKEN}_FILE": files.path("token"),
        }
        rotating = BridgeSettings.from_environment(variables)
        async with bridged(rotating) as bridge:
            assert await header(bridge, "authorization") == "Bearer one"
            files.replace({"token": "two\n", "key": "b"})
            assert await header(bridge, "authorization") == "Bearer two"
            assert await header(bridge, "x-api-key") == "b"


async def test_an_upstream_that_is_down_is_an_error_and_recovers() -> None:
    """Requirement BRG-4: calls get an error while the upstream is down, and pass when it is back."""
    async with serving(upstream()) as port:
        started = bridged(upstream_url=f"http://127.0.0.1:{port}/mcp", legacy="sticky")
        bridge = await started.__aenter__()
    try:
        for mode in ("auto", "legacy"):
            with pytest.raises(MCPError, match=r"The upstream cannot be reached: no response from http://127\.0\.0\.1"):
                await header(bridge, "host", mode)
        assert bridge.sample(contract.METRIC_UPSTREAM_ERRORS, reason="unreachable") >= 1
        async with serving(upstream(), port):
            for mode in ("auto", "legacy"):
                assert await header(bridge, "host", mode) == f"127.0.0.1:{port}"
    finally:
        await started.__aexit__(None, None, None)


async def test_a_replica_is_ready_when_its_upstream_has_answered(caplog: pytest.LogCaptureFixture) -> None:
    """Requirement BRG-12: before the first handshake the application does not start."""
    async with serving(upstream()) as port:
        pass
    ready = asyncio.Event()

    async def run() -> None:
        async with bridged(upstream_url=f"http://127.0.0.1:{port}/mcp"):
            ready.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(run())
    try:
        with anyio.fail_after(10):
            while not any("not ready: The upstream" in each for each in caplog.messages):  # noqa: ASYNC110 - a log record
                await asyncio.sleep(0.02)
        assert not ready.is_set()
        async with serving(upstream(), port):
            async with asyncio.timeout(20):
                await ready.wait()
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_a_lost_session_of_the_upstream_is_replaced() -> None:
    """MCP 2025-11-25, "Session Management": after 404 a client begins a new session; the request did nothing."""

    def legacy_only(server_app: ASGIApp) -> ASGIApp:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http" and (b"mcp-protocol-version", b"2026-07-28") in scope["headers"]:
                await send({"type": "http.response.start", "status": 404, "headers": []})
                await send({"type": "http.response.body", "body": b""})
                return
            await server_app(scope, receive, send)

        return app

    async with serving(legacy_only(upstream())) as port:
        started = bridged(upstream_url=f"http://127.0.0.1:{port}/mcp")
        bridge = await started.__aenter__()
        first = await header(bridge, contract.SESSION_HEADER)
    try:
        async with serving(legacy_only(upstream()), port):
            assert await header(bridge, contract.SESSION_HEADER) not in (first, "None")
    finally:
        await started.__aexit__(None, None, None)


async def test_the_trace_of_the_caller_goes_on() -> None:
    """W3C Trace Context, section 3.2: the upstream's request is of the same trace."""
    async with serving(upstream()) as port, bridged(upstream_url=f"http://127.0.0.1:{port}/mcp") as bridge:
        meta: Any = {"traceparent": TRACE}
        found = await header(bridge, "traceparent", meta=meta)
    assert found.split("-")[1] == TRACE.split("-")[1] or not isinstance(
        trace.get_tracer_provider(), trace.ProxyTracerProvider
    )


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:1/mcp", True),
        ("http://[::1]/mcp", True),
        ("http://[::ffff:127.0.0.1]/mcp", True),
        ("http://localhost/", True),
        ("https://a/", False),
    ],
)
def test_no_proxy_stands_between_containers_of_a_pod(url: str, *, loopback: bool) -> None:
    """Kubernetes, "Pods": containers of a pod share the loopback address."""
    assert is_loopback(url) is loopback


@asynccontextmanager
async def closing_server() -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that responds to the first request of a connection and closes it at the second; all bodies."""
    bodies: list[bytes] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number in range(2):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            bodies.append(await reader.readexactly(length))
            if number == 0:
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp", bodies


@pytest.mark.parametrize(
    ("message", "status", "executions"),
    [
        ({"id": 1, "method": "tools/list"}, 200, 2),
        ({"id": 1, "method": "tools/call"}, 503, 1),
        ({"method": "notifications/initialized"}, 503, 1),
        ({"id": 1, "result": {}}, 503, 1),
    ],
)
async def test_a_request_lost_with_its_connection_is_repeated_unless_it_is_a_call(
    message: dict[str, Any], status: int, executions: int
) -> None:
    """Requirement BRG-15; RFC 9110, section 9.2.2: a client repeats by itself only what is safe to repeat."""
    async with closing_server() as (url, bodies), UpstreamHTTPClient() as client:
        assert (await client.post(url, json={"id": 0, "method": "ping"})).status_code == 200
        assert (await client.post(url, json=message)).status_code == status
        assert len(bodies) == 1 + executions


async def test_a_server_that_is_down_is_not_asked_twice() -> None:
    """Requirement BRG-4: the pool's back-off decides about further attempts."""
    async with closing_server() as (url, _):
        pass
    async with UpstreamHTTPClient() as client:
        response = await client.post(url, json={"id": 1, "method": "tools/list"})
    assert response.status_code == 503
