"""A failing destination causes a tool error, a log line and a count in its caller, nothing else."""

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import httpx2
import mcp_types
import pytest
from mcp import Client, MCPError
from mcp.client.subscriptions import SubscriptionLost
from mcp.shared.exceptions import NoBackChannelError, UrlElicitationRequiredError
from mcp_types import CallToolResult, TextContent
from prometheus_client import CollectorRegistry
from pydantic import BaseModel, ValidationError
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from meshed_mcp import contract
from meshed_mcp.agents import DestinationError, MCPService, ServiceClient, Settings
from meshed_mcp.agents.client.errors import Reason, redacted, service_name
from meshed_mcp.agents.http.listener import bind_socket, listening
from meshed_mcp.agents.registry import NotRegisteredError, RegistryError
from meshed_mcp.agents.telemetry.metrics import KNOWN_CODES
from tests.behaviors.counting_service import CountingService
from tests.behaviors.cutting_proxy import cutting
from tests.behaviors.replicas import StartService

pytestmark = pytest.mark.anyio

INTERNAL_URL = "http://mcp-rag.internal.example:8000/mcp"
HIDDEN = ("http", "127.0.0.1", "internal.example", "8000", "Traceback", "\n")
BOUND_SECONDS = 30


def invalid() -> ValidationError:
    """An error of pydantic, as the SDK's client raises for a result that is none."""

    class Wanted(BaseModel):
        number: int

    try:
        Wanted.model_validate({"number": INTERNAL_URL})
    except ValidationError as error:
        return error
    raise AssertionError


def of_httpx() -> Iterator[Exception]:
    """One of each exception of the HTTP client."""
    request = httpx2.Request("POST", INTERNAL_URL)
    for name in sorted(vars(httpx2)):
        kind = getattr(httpx2, name)
        if isinstance(kind, type) and issubclass(kind, Exception):
            try:
                yield kind(f"{name} at {INTERNAL_URL}")
            except TypeError:
                if kind is httpx2.HTTPStatusError:
                    yield kind(INTERNAL_URL, request=request, response=httpx2.Response(500, request=request))
                else:
                    yield kind()


EVERY_ERROR = [
    *(MCPError(code, f"Unknown tool: {INTERNAL_URL}") for code in sorted(KNOWN_CODES)),
    MCPError(-1, INTERNAL_URL, {"url": INTERNAL_URL}),
    UrlElicitationRequiredError([], INTERNAL_URL),
    NoBackChannelError(INTERNAL_URL),
    SubscriptionLost(INTERNAL_URL),
    *of_httpx(),
    TimeoutError(INTERNAL_URL),
    ConnectionResetError(INTERNAL_URL),
    ssl.SSLCertVerificationError(INTERNAL_URL),
    anyio.ClosedResourceError(),
    anyio.BrokenResourceError(),
    anyio.EndOfStream(),
    json.JSONDecodeError(INTERNAL_URL, "", 0),
    invalid(),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, INTERNAL_URL),
    RegistryError(INTERNAL_URL),
    NotRegisteredError(INTERNAL_URL),
    RuntimeError(INTERNAL_URL),
    KeyError(INTERNAL_URL),
    ExceptionGroup("tasks", [httpx2.ConnectError(INTERNAL_URL)]),
    ExceptionGroup(
        "tasks", [ExceptionGroup("inner", [MCPError(mcp_types.INVALID_PARAMS, INTERNAL_URL)]), OSError(INTERNAL_URL)]
    ),
]


def asking(client: ServiceClient) -> MCPService:
    """A service whose tool calls another one as docs/how-to/call-a-service.md does: without catching anything."""
    service = MCPService("mcp-outer")

    @service.tool()
    async def ask(tool: str = "read", timeout_seconds: float = BOUND_SECONDS) -> str:
        found = await client.call_tool(tool, {"token": "t"}, timeout_seconds=timeout_seconds)
        return str(found.structured_content)

    @service.tool()
    async def look() -> str:
        async with client.client() as official:
            await official.read_resource("memo://none")
        return "found"

    @service.resource("memo://{tool}")
    async def memo(tool: str) -> str:
        return str(await client.call_tool(tool))

    @service.prompt()
    async def words(tool: str) -> str:
        return str(await client.call_tool(tool))

    return service


async def text_of(service: MCPService, called: str = "ask", mode: str = "2026-07-28", **arguments: Any) -> str:
    """What the outer client's model reads."""
    async with asyncio.timeout(BOUND_SECONDS), Client(service, mode=mode) as outer:
        return error_text(await outer.call_tool(called, arguments))


def error_text(result: CallToolResult) -> str:
    """Text of a result that must be an error, and must name no address."""
    assert result.is_error
    (block,) = result.content
    assert isinstance(block, TextContent)
    for part in HIDDEN:
        assert part not in block.text
    return block.text


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Log lines of the client that an operator sees at the default level."""
    ours = "meshed_mcp.agents.client.errors"
    return [each.getMessage() for each in caplog.records if each.name == ours and each.levelno >= logging.WARNING]


def failures(registry: CollectorRegistry) -> dict[tuple[str, str], float]:
    """Failed calls by destination and reason."""
    return {
        (sample.labels[contract.LABEL_ADDRESS], sample.labels["reason"]): sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == contract.METRIC_DESTINATION_ERRORS
    }


@pytest.mark.parametrize("mode", ["2026-07-28", "legacy"])
@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda error: f"{type(error).__name__} {getattr(error, 'code', '')}")
async def test_every_error_of_a_destination_is_a_tool_error_of_the_caller(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception, mode: str
) -> None:
    """MCP 2026-07-28, "Tools", "Error Handling": failures of a tool's own work are results with `isError`."""

    async def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(ServiceClient, "_attempt", fail)
    registry = CollectorRegistry()
    async with ServiceClient(INTERNAL_URL, metrics=registry) as client:
        text = await text_of(asking(client), mode=mode)
    assert "mcp-rag" in text
    assert "Unknown tool" not in text
    (line,) = warnings(caplog)
    assert line.startswith(f"{INTERNAL_URL}: the call of read failed (")
    ((address, _), count) = next(iter(failures(registry).items()))
    assert (address, count) == ("mcp-rag.internal.example", 1)


class Responding:
    """A destination that sends one response to every `tools/call`, and lists its tools as the real one."""

    def __init__(self, response: Response) -> None:
        self._response = response
        self._app = CountingService().app()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        is_call = scope["type"] == "http" and (b"mcp-method", b"tools/call") in scope["headers"]
        await (self._response if is_call else self._app)(scope, receive, send)


@asynccontextmanager
async def at(app: ASGIApp) -> AsyncIterator[str]:
    """Serve an application on loopback; yields its URL."""
    listener = bind_socket("127.0.0.1", contract.ENV_PORT, 0)
    async with listening(app, listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"


def result(**members: object) -> Response:
    """A JSON-RPC response to the first request of a client."""
    return JSONResponse({"jsonrpc": "2.0", "id": 2, **members})


RESPONSES = {
    "a proxy's 403": (PlainTextResponse("RBAC: access denied", 403), Reason.ERROR_RESPONSE),
    "a proxy's 503": (PlainTextResponse("no healthy upstream", 503), Reason.UNAVAILABLE),
    "HTML": (Response("<html>", 200, media_type="text/html"), None),
    "no JSON": (Response("{", 200, media_type="application/json"), None),
    "an event stream that breaks off": (Response("data: {\r\n", 200, media_type="text/event-stream"), None),
    "a result that is none": (result(result={"content": 5}), None),
    "an error that is none": (result(error="no"), None),
}


@pytest.mark.parametrize("case", RESPONSES)
async def test_every_invalid_response_is_a_tool_error(caplog: pytest.LogCaptureFixture, case: str) -> None:
    """Requirement RUN-9: the caller's model reads one line, whatever a destination or a proxy sends."""
    response, reason = RESPONSES[case]
    registry = CollectorRegistry()
    async with at(Responding(response)) as url, ServiceClient(url, metrics=registry) as client:
        await text_of(asking(client), timeout_seconds=3)
    ((_, found),) = failures(registry)
    assert reason is None or found == reason
    assert len(warnings(caplog)) == 1


class Forbidding(MCPService[None]):
    """A destination whose tool policy allows no caller."""

    def __init__(self) -> None:
        super().__init__("mcp-forbidding")
        self.add_tool(lambda: "never", "read")


@pytest.mark.parametrize(
    ("tool", "timeout_seconds", "reason", "text"),
    [
        ("nothing", BOUND_SECONDS, Reason.ERROR_RESPONSE, "rejected the call of nothing."),
        ("hold", 0.5, Reason.TIMEOUT, "did not respond in time. The call of hold may have taken effect."),
    ],
)
async def test_a_real_destination_that_fails_is_a_tool_error(
    tool: str, timeout_seconds: float, reason: Reason, text: str
) -> None:
    """Requirement RUN-9: -32602 from a destination does not say that the caller's own tool is unknown."""
    registry, counting = CollectorRegistry(), CountingService()
    async with counting.serving() as port, ServiceClient(f"http://localhost:{port}/mcp", metrics=registry) as client:
        said = await text_of(asking(client), tool=tool, timeout_seconds=timeout_seconds)
    assert said == f"Error executing tool ask: localhost {text}"
    assert failures(registry) == {("localhost", reason): 1}


async def test_a_destination_that_denies_the_call_is_named_in_the_tool_error() -> None:
    """contract.FORBIDDEN: the destination's tool policy; the error says that a retry does not help."""
    rule = {contract.ENV_TOOL_POLICY: '{"read": {"allow": []}}'}
    app = Forbidding().http_app(Settings.from_environment(rule))
    async with at(app) as url, ServiceClient(url) as client:
        text = await text_of(asking(client))
    assert text == "Error executing tool ask: the called service does not allow this service to call read."


@pytest.mark.parametrize("mode", ["2026-07-28", "auto", "legacy"])
async def test_an_unreachable_destination_is_a_tool_error_in_every_mode(mode: str) -> None:
    """Requirement RUN-9: a failure before the call counts, too, such as the handshake of old revisions."""
    async with ServiceClient("http://127.0.0.1:1/mcp", mode=mode) as client:
        service = asking(client)
        assert "is not available at the moment. Try again later." in await text_of(service)
        assert "is not available at the moment" in await text_of(service, called="look")


async def test_a_broken_connection_is_a_tool_error() -> None:
    """Requirement RUN-9: a peer is killed during a call."""
    counting = CountingService()
    async with counting.serving() as port, cutting(port) as (_, url), ServiceClient(url) as client:
        service = asking(client)

        @service.tool()
        async def ask_and_cut() -> str:
            found = await client.call_tool("write", {"token": "t", "cut": "after the request"})
            return str(found)

        await text_of(service, called="ask_and_cut")


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(404, json={"detail": "no live server"}),
        httpx.Response(500, text=INTERNAL_URL),
        httpx.Response(200, json={"server": {"remotes": []}}),
        httpx.Response(200, text="<html>"),
    ],
    ids=["not registered", "an error", "no entry", "HTML"],
)
async def test_every_registry_error_is_a_tool_error(monkeypatch: pytest.MonkeyPatch, response: httpx.Response) -> None:
    """Requirement RUN-9: discovery is part of the call."""
    monkeypatch.setattr(httpx, "AsyncHTTPTransport", lambda **_: httpx.MockTransport(lambda _: response))
    environment = {contract.ENV_REGISTRY_URL: "http://mcp-registry.internal.example:8000"}
    async with ServiceClient("tools/mcp-rag", environment=environment) as client:
        text = await text_of(asking(client))
    assert text == "Error executing tool ask: mcp-rag is not available at the moment. Try again later."


async def test_an_error_of_the_official_client_is_a_tool_error_too() -> None:
    """Requirement RUN-9: the SDK's own client, returned by `client()`, has the same error mapping."""
    counting = CountingService()
    async with counting.serving() as port, ServiceClient(f"http://127.0.0.1:{port}/mcp") as client:
        assert "rejected the call of a request" in await text_of(asking(client), called="look")


async def test_errors_of_resources_and_prompts_contain_no_address() -> None:
    """MCP 2026-07-28, "Resources" and "Prompts", "Error Handling": a protocol error in the product's words."""
    async with ServiceClient("http://127.0.0.1:1/mcp") as client, Client(asking(client)) as outer:
        for request in (outer.read_resource("memo://read"), outer.get_prompt("words", {"tool": "read"})):
            with pytest.raises(MCPError) as raised:
                await request
            assert not any(part in str(raised.value.error) for part in HIDDEN)


async def test_outside_a_tool_the_error_has_reason_and_detail() -> None:
    """docs/how-to/call-a-service.md: what a job or a script catches."""
    async with ServiceClient("http://user:secret@127.0.0.1:1/mcp?key=secret") as client:
        with pytest.raises(DestinationError) as raised:
            await client.call_tool("read")
    error = raised.value
    assert (error.reason, error.code) == (Reason.UNAVAILABLE, mcp_types.CONNECTION_CLOSED)
    assert error.detail.startswith("no response from http://127.0.0.1:1/mcp (ConnectError")
    assert isinstance(error.__cause__, MCPError)


async def test_a_cancelled_call_stays_cancelled() -> None:
    """Python, "Task Cancellation": CancelledError is not an error of the destination."""
    counting, registry = CountingService(), CollectorRegistry()
    async with counting.serving() as port, ServiceClient(f"http://127.0.0.1:{port}/mcp", metrics=registry) as client:
        call = asyncio.create_task(client.call_tool("hold", {"token": "t"}))
        with anyio.fail_after(BOUND_SECONDS):
            await counting.holding.wait()
        call.cancel()
        await asyncio.wait({call}, timeout=BOUND_SECONDS)
    assert call.cancelled()
    assert failures(registry) == {}


@pytest.mark.parametrize(
    ("target", "name", "in_logs"),
    [
        (INTERNAL_URL, "mcp-rag", INTERNAL_URL),
        ("mcp-system/mcp-rag", "mcp-rag", "mcp-system/mcp-rag"),
        ("https://user:pw@mcp-rag/mcp?key=1#x", "mcp-rag", "https://mcp-rag/mcp"),
        ("http://10.0.0.1:8000/mcp", "the called service", "http://10.0.0.1:8000/mcp"),
        ("http://[::1]:8000/mcp", "the called service", "http://[::1]:8000/mcp"),
    ],
)
def test_names_for_the_model_and_for_the_log_are_redacted(target: str, name: str, in_logs: str) -> None:
    """Requirement RUN-9: a model reads no address, and a log no password."""
    assert (service_name(target), redacted(target)) == (name, in_logs)


OUTER = """
from contextlib import asynccontextmanager

from meshed_mcp.agents import MCPService, ServiceClient


@asynccontextmanager
async def lifespan(_):
    async with ServiceClient("http://localhost:1/mcp", timeout_seconds=20, metrics=service.metrics) as rag:
        yield rag


service = MCPService("mcp-outer", lifespan=lifespan)


@service.tool()
async def ask(question: str, ctx) -> str:
    found = await ctx.request_context.lifespan_context.call_tool("search", {"question": question})
    return str(found.structured_content)


service.run()
""".replace("ctx)", "ctx: Context)").replace("from meshed", "from mcp.server.mcpserver import Context\nfrom meshed", 1)


async def test_a_real_process_logs_and_counts_an_unreachable_destination(
    start_service: StartService, tmp_path: Path
) -> None:
    """docs/how-to/call-a-service.md, unchanged, in a process: result, log line and metric."""
    script = tmp_path / "outer.py"
    script.write_text(OUTER)
    service = start_service(script)
    async with Client(service.url) as outer:
        text = error_text(await outer.call_tool("ask", {"question": "Why?"}))
    assert text == "Error executing tool ask: localhost is not available at the moment. Try again later."
    (line,) = (line for line in service.lines() if line["level"] == "WARNING")
    assert line["message"].startswith(
        "http://localhost:1/mcp: the call of search failed (unavailable): no response from "
    )
    series = f'{contract.METRIC_DESTINATION_ERRORS}{{reason="unavailable",server_address="localhost"}}'
    assert service.sample(series) == 1
