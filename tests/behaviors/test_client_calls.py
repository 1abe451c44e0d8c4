"""Calls of another service: deadlines, rejections, lost sessions, names, traces."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from time import monotonic
from typing import Any

import anyio
import httpx
import pytest
from mcp_types import CONNECTION_CLOSED, INTERNAL_ERROR, REQUEST_TIMEOUT
from opentelemetry import trace
from prometheus_client import CollectorRegistry
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from meshed_mcp import contract
from meshed_mcp.agents import DestinationError, ServiceClient
from meshed_mcp.agents.http.listener import bind_socket, listening
from meshed_mcp.agents.registry import RegistryClient
from meshed_mcp.agents.registry.app import registry_app
from meshed_mcp.agents.registry.model import server_entry
from meshed_mcp.agents.registry.service import VERSIONS
from meshed_mcp.agents.registry.store import Store
from meshed_mcp.agents.state.database import open_database
from tests.behaviors.counting_service import CountingService
from tests.behaviors.cutting_proxy import cutting

pytestmark = pytest.mark.anyio

UNREACHABLE = "http://127.0.0.1:1/mcp"
BOUND_SECONDS = 30


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[int]:
    """Serve an application on loopback; yields the port."""
    listener = bind_socket("127.0.0.1", contract.ENV_PORT, 0)
    async with listening(app, listener):
        yield listener.getsockname()[1]


class Refusing:
    """Answers the first requests for `tools/call` with a response, as a server at its concurrency limit does."""

    def __init__(self, counting: CountingService, refusal: Response, times: int) -> None:
        self._refusal = refusal
        self._times = times
        self.asked: list[float] = []
        self._app = counting.app()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        refused = scope["type"] == "http" and (b"mcp-method", b"tools/call") in scope["headers"]
        if refused:
            self.asked.append(monotonic())
        refused = refused and len(self.asked) <= self._times
        await (self._refusal if refused else self._app)(scope, receive, send)


async def error_of(client: ServiceClient, tool: str, **options: Any) -> DestinationError:
    """The error that a call ends with."""
    with pytest.raises(DestinationError) as raised:
        await client.call_tool(tool, {"token": "t"}, **options)
    assert "\n" not in raised.value.detail
    return raised.value


@pytest.mark.parametrize("by_date", [False, True])
async def test_a_503_is_waited_out_for_its_retry_after(*, by_date: bool) -> None:
    """RFC 9110, section 10.2.3: Retry-After in seconds or as a date; what an annotated tool gets at least."""
    counting, far = CountingService(), datetime.now(UTC) + timedelta(seconds=5)
    refusal = PlainTextResponse("stopping", 503, {"Retry-After": format_datetime(far, usegmt=True) if by_date else "1"})
    app = Refusing(counting, refusal, times=1)
    async with serving(app) as port, ServiceClient(f"http://127.0.0.1:{port}/mcp") as client:
        await client.call_tool("read", {"token": "t"})
    assert counting.executions["t"] == 1
    first, second = app.asked
    assert datetime.now(UTC) >= far - timedelta(seconds=1) if by_date else second - first >= 1


@pytest.mark.parametrize(
    ("tool", "timeout_seconds"),
    [("write", BOUND_SECONDS), ("read", 5)],
    ids=["a tool without a hint", "a wait beyond the deadline"],
)
async def test_a_503_that_cannot_be_waited_out_is_the_result(tool: str, timeout_seconds: float) -> None:
    """Requirement RUN-17: no second request for a tool without a hint, nor one that the deadline would cancel."""
    refusal = PlainTextResponse("stopping\nnow", 503, {"Retry-After": "10"})
    app = Refusing(CountingService(), refusal, times=1)
    async with serving(app) as port, ServiceClient(f"http://127.0.0.1:{port}/mcp") as client:
        error = await error_of(client, tool, timeout_seconds=timeout_seconds)
    assert error.detail == f"http://127.0.0.1:{port}/mcp returned 503: stopping now"
    assert len(app.asked) == 1


async def test_an_error_response_is_never_retried() -> None:
    """Requirement RUN-17: a complete response is the result, a proxy's 403 and 504 included."""
    for status in (403, 404, 429, 500, 502, 504):
        app = Refusing(CountingService(), PlainTextResponse("no", status), times=1)
        async with serving(app) as port, ServiceClient(f"http://127.0.0.1:{port}/mcp") as client:
            error = await error_of(client, "read")
        assert error.detail == f"http://127.0.0.1:{port}/mcp returned {status}: no"
        assert len(app.asked) == 1


async def test_each_request_is_measured_including_retries() -> None:
    """OpenTelemetry MCP conventions, `mcp.client.operation.duration`: from the time a request was sent."""
    refusal, registry = PlainTextResponse("stopping", 503, {"Retry-After": "0"}), CollectorRegistry()
    async with (
        serving(Refusing(CountingService(), refusal, times=1)) as port,
        ServiceClient(f"http://127.0.0.1:{port}/mcp", metrics=registry) as client,
    ):
        await client.call_tool("read", {"token": "t"})

    def count(method: str, tool: str, error: str) -> float | None:
        labels = {"mcp_method_name": method, "gen_ai_tool_name": tool, "error_type": error}
        return registry.get_sample_value(
            f"{contract.METRIC_CLIENT_DURATION}_count", {**labels, contract.LABEL_ADDRESS: "127.0.0.1"}
        )

    assert (count("tools/list", "", ""), count("tools/call", "read", "")) == (1, 1)
    assert count("tools/call", "read", str(INTERNAL_ERROR)) == 1


async def test_a_deadline_ends_the_call_on_both_sides() -> None:
    """Requirement RUN-17: the caller gets REQUEST_TIMEOUT, and the server gets a cancellation."""
    counting = CountingService()
    async with counting.serving() as port, ServiceClient(f"http://127.0.0.1:{port}/mcp") as client:
        error = await error_of(client, "hold", timeout_seconds=1)
        with anyio.fail_after(BOUND_SECONDS):
            await counting.cancelled.wait()
    assert (error.code, error.detail) == (
        REQUEST_TIMEOUT,
        f"http://127.0.0.1:{port}/mcp did not respond to hold within 1 s",
    )
    assert counting.executions["t"] == 1


async def test_a_peer_restart_fails_only_the_calls_during_it() -> None:
    """Seen with mcp 2.3.0: an exception of the HTTP client ends the client with all its calls, and its opener."""
    counting, other = CountingService(), CountingService()
    responses: list[str] = []
    async with counting.serving() as port, cutting(port) as (proxy, url), ServiceClient(url) as client:

        async def hold() -> None:
            result = await client.call_tool("hold", {"token": "held"}, timeout_seconds=BOUND_SECONDS)
            responses.append(str(result.structured_content))

        async with anyio.create_task_group() as calls:
            calls.start_soon(hold)
            with anyio.fail_after(BOUND_SECONDS):
                await counting.holding.wait()
            proxy.port = 1
            assert (await error_of(client, "write")).code == CONNECTION_CLOSED
            async with other.serving() as new_port:
                proxy.port = new_port
                await client.call_tool("write", {"token": "t"})
            counting.held.set()
    assert other.executions == {"t": 1}
    assert responses == ["{'result': 'held held, None'}"]


async def test_a_lost_session_is_reopened_and_only_an_annotated_tool_is_retried() -> None:
    """Requirement RUN-17; MCP 2025-11-25, "Session Management": after 404 the client starts a new session."""
    counting = CountingService()
    sticky = contract.Legacy.STICKY
    async with (
        counting.serving(legacy=sticky) as port,
        cutting(port) as (proxy, url),
        ServiceClient(url, mode="legacy") as client,
    ):
        await client.call_tool("write", {"token": "first"})
        await end_session(proxy.heads, port)
        await client.call_tool("read", {"token": "second"})
        await end_session(proxy.heads, port)
        error = await error_of(client, "write")
        text = "lost the session, and the call of write was not retried; the next call opens another"
        assert error.detail == f"{url} {text}"
        await client.call_tool("write", {"token": "third"})
    assert counting.executions == {"first": 1, "second": 1, "third": 1}
    assert initializations(proxy.bodies) == 3


async def test_an_outage_while_negotiating_does_not_select_a_revision() -> None:
    """Official SDK 2.3, `negotiate_auto`: an outage is never an era verdict; the client must not settle for legacy."""
    counting = CountingService()
    async with (
        counting.serving() as port,
        cutting(port) as (proxy, url),
        ServiceClient(url, mode="auto") as client,
    ):
        proxy.outages = 1
        await client.call_tool("read", {"token": "t"})
        async with client.client() as official:
            assert official.protocol_version == "2026-07-28"


async def test_everything_else_of_the_official_client_is_available() -> None:
    """Requirement RUN-12: no feature of the SDK is hidden."""
    counting = CountingService()
    async with (
        counting.serving() as port,
        ServiceClient(f"http://127.0.0.1:{port}/mcp") as client,
        client.client() as official,
    ):
        assert {tool.name for tool in (await official.list_tools()).tools} >= {"read", "write"}


async def test_a_peer_is_discovered_by_name_and_again_after_it_moved(tmp_path: Path) -> None:
    """Requirement RUN-17: discovery by registry name."""
    database = open_database("registry", VERSIONS, f"sqlite:///{tmp_path}/registry.db")
    counting = CountingService()
    async with serving(registry_app(Store(database))) as registry_port, counting.serving() as port:
        registry_url = f"http://127.0.0.1:{registry_port}"
        environment = {contract.ENV_REGISTRY_URL: registry_url, contract.ENV_NAMESPACE: "tools"}
        async with RegistryClient(registry_url) as registry, ServiceClient("peer", environment=environment) as client:
            assert "tools/peer was not found" in (await error_of(client, "read")).detail
            for url in (UNREACHABLE, f"http://127.0.0.1:{port}/mcp"):
                await registry.publish(server_entry("tools/peer", "1.0.0", url, description="Peer"), "pod", 30)
                if url == UNREACHABLE:
                    assert f"no response from {UNREACHABLE}" in (await error_of(client, "read")).detail
            await client.call_tool("read", {"token": "t"})
    database.close()
    assert counting.executions["t"] == 1


def test_a_name_without_a_registry_is_rejected_with_the_url_to_set() -> None:
    """Requirement RUN-6: a wrong setting ends the start, with what to set instead."""
    with pytest.raises(ValueError, match=r"Use a URL, such as http://mcp-rag:8000/mcp, or set MESHED_MCP_REGISTRY_URL"):
        ServiceClient("mcp-system/mcp-rag", environment={})


async def test_trace_context_is_sent_in_headers_and_in_meta() -> None:
    """MCP 2026-07-28, "OpenTelemetry trace context", and W3C Trace Context for the proxies between."""
    context = trace.SpanContext(0xABC, 0xDEF, is_remote=True, trace_flags=trace.TraceFlags(1))
    counting = CountingService()
    async with counting.serving() as port, cutting(port) as (proxy, url), ServiceClient(url) as client:
        with trace.use_span(trace.NonRecordingSpan(context)):
            await client.call_tool("read", {"token": "t"})
    call, body = proxy.heads[-1], proxy.bodies[-1]
    expected = b"00-00000000000000000000000000000abc-"
    assert b"\r\ntraceparent: " + expected in call
    assert b'"traceparent":"' + expected in body.replace(b" ", b"")


async def end_session(heads: list[bytes], port: int) -> None:
    """Let the server forget the session that was used last."""
    lines = heads[-1].decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:] if line)
    kept = {name: headers[name] for name in ("mcp-session-id", "mcp-protocol-version")}
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.delete(f"http://127.0.0.1:{port}/mcp", headers=kept)).is_success


def initializations(bodies: list[bytes]) -> int:
    """How many sessions were asked for."""
    return sum(b'"initialize"' in body for body in bodies)
