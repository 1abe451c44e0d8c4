"""W3C trace context in headers, beside `_meta`."""

from collections.abc import Iterator
from contextlib import suppress

import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from meshed_mcp.agents import MCPService, Settings, span
from meshed_mcp.agents.http.drain import DrainMiddleware
from meshed_mcp.agents.telemetry.propagation import (
    HTTPParent,
    current_http_parent,
    extract_context,
    inject_trace_context,
)

pytestmark = pytest.mark.anyio

TRACE, PROXY = 0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7
HEADER = f"00-{TRACE:032x}-{PROXY:016x}-01"


@pytest.fixture
def finished(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """Every span that ends; the provider of the process is put back afterwards."""
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    for tracer in ("mcp.shared._otel._tracer", "meshed_mcp.agents.telemetry.tracing._tracer"):
        monkeypatch.setattr(tracer, provider.get_tracer("test"))
    yield exporter
    provider.shutdown()


def named(finished: InMemorySpanExporter, name: str) -> ReadableSpan:
    """The one span of that name."""
    (found,) = [each for each in finished.get_finished_spans() if each.name == name]
    return found


def sent(**headers: str) -> httpx2.Request:
    """A request about to be sent."""
    return httpx2.Request("POST", "http://mcp-rag:8000/mcp", headers=headers)


async def test_headers_carry_the_span_in_which_a_request_is_sent() -> None:
    """W3C Trace Context, section 3.2: version, trace id, parent id, flags."""
    current = SpanContext(TRACE, PROXY, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    request = sent()
    with trace.use_span(NonRecordingSpan(current)):
        await inject_trace_context(request)
    assert request.headers["traceparent"] == HEADER


async def test_outside_a_span_the_headers_say_not_sampled() -> None:
    """Measured with Envoy 1.40: without a header each proxy starts a trace; all proxies follow a flag 00."""
    request = sent()
    await inject_trace_context(request)
    version, _, _, flags = request.headers["traceparent"].split("-")
    assert (version, flags) == ("00", "00")


@pytest.mark.parametrize("value", ["", "nonsense", f"00-{0:032x}-{PROXY:016x}-01"])
async def test_an_invalid_traceparent_is_ignored(value: str) -> None:
    """W3C Trace Context, section 3.2.2.3: an invalid traceparent is ignored."""
    with HTTPParent({"headers": [(b"traceparent", value.encode())]}):
        assert current_http_parent() is None
    assert current_http_parent() is None


def hexadecimal(digits: int) -> st.SearchStrategy[str]:
    """So many digits; zeros and upper case, which are invalid, are not rare."""
    return st.one_of(st.just("0" * digits), st.text("0123456789abcdefABCDEF", min_size=digits, max_size=digits))


TRACEPARENTS = st.builds(
    "{}{}-{}-{}-{}{}".format,
    st.sampled_from(["", " ", "\t"]),
    st.sampled_from(["00", "00", "00", "01", "ff", "0"]),
    hexadecimal(32),
    hexadecimal(16),
    hexadecimal(2),
    st.sampled_from(["", "", "", " ", "-", "-00", "\n", "0"]),
)
FIELDS = st.lists(
    st.tuples(
        st.sampled_from([b"traceparent", b"traceparent", b"tracestate"]),
        st.one_of(TRACEPARENTS, st.text(max_size=60), st.just("vendor=1")).map(
            lambda text: text.encode("latin-1", "replace")
        ),
    ),
    min_size=1,
    max_size=3,
)


def described(context: Context) -> tuple[object, ...]:
    """All that a span of this context would inherit."""
    parent = trace.get_current_span(context).get_span_context()
    return (*parent[:4], dict(parent.trace_state), parent.is_valid, len(context))


@given(FIELDS)
@example([(b"traceparent", HEADER.encode())])
@example([(b"tracestate", HEADER.encode())])
def test_the_fast_parser_reads_what_the_propagator_reads(fields: list[tuple[bytes, bytes]]) -> None:
    """W3C Trace Context, section 3.2, as OpenTelemetry's propagator reads it."""
    carrier = {name.decode("latin-1"): value.decode("latin-1") for name, value in fields}
    assert described(extract_context(fields)) == described(TraceContextTextMapPropagator().extract(carrier))


def service() -> MCPService:
    """Return a service with a custom span."""
    made = MCPService("mcp-test")

    @made.tool()
    def rank() -> str:
        with span("rank passages", passages=3):
            return "ranked"

    return made


async def called(headers: dict[str, str], tool: str = "rank") -> None:
    """Call the tool over HTTP in process, behind DrainMiddleware, with `headers` from the last proxy."""
    made = service()
    app = made.http_app(Settings())

    async def as_left_by_the_proxy(request: httpx2.Request) -> None:
        request.headers.update(headers)

    middleware = DrainMiddleware(app, made.metrics)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(middleware), event_hooks={"request": [as_left_by_the_proxy]}
        ) as http,
        Client(streamable_http_client("http://127.0.0.1/mcp", http_client=http), mode="2026-07-28") as client,
    ):
        with suppress(MCPError):  # of an unknown tool
            await client.call_tool(tool)


async def test_the_sender_in_meta_is_the_parent_and_the_last_proxy_a_link(finished: InMemorySpanExporter) -> None:
    """OpenTelemetry MCP conventions, "Context propagation": parent from `_meta`, the HTTP context as a link."""
    await called({"traceparent": HEADER})
    client, server = named(finished, "MCP send tools/call rank"), named(finished, "tools/call rank")
    assert client.context is not None
    assert server.parent is not None
    assert (server.parent.trace_id, server.parent.span_id) == (client.context.trace_id, client.context.span_id)
    assert [(link.context.trace_id, link.context.span_id) for link in server.links] == [(TRACE, PROXY)]


async def test_without_meta_the_header_is_the_parent(
    finished: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requirement OBS-9: a client without tracing is in the trace that the gateway started."""
    monkeypatch.setattr("mcp.shared.jsonrpc_dispatcher.inject_trace_context", lambda _: None)
    await called({"traceparent": HEADER})
    server = named(finished, "tools/call rank")
    assert server.parent is not None
    assert (server.parent.trace_id, server.parent.span_id) == (TRACE, PROXY)
    assert server.links == ()


async def test_a_step_of_a_tool_is_a_child_span_of_the_call(finished: InMemorySpanExporter) -> None:
    """Requirement OBS-9: a business step is a span with one line of code."""
    await called({})
    server, step = named(finished, "tools/call rank"), named(finished, "rank passages")
    assert step.parent is not None
    assert server.context is not None
    assert step.parent.span_id == server.context.span_id
    assert step.attributes == {"passages": 3}


async def test_an_unknown_tool_name_is_not_a_span_name(finished: InMemorySpanExporter) -> None:
    """Requirement OBS-2: span metrics have a series per name, so a caller cannot choose it."""
    await called({}, tool="invented-1")
    server = named(finished, "tools/call _OTHER")
    assert server.attributes is not None
    assert server.attributes["gen_ai.tool.name"] == "_OTHER"


async def test_a_server_span_has_its_transport(finished: InMemorySpanExporter) -> None:
    """OpenTelemetry MCP conventions, "Server": network.transport is tcp for HTTP."""
    await called({})
    attributes = named(finished, "tools/call rank").attributes or {}
    wanted = {"network.transport": "tcp", "network.protocol.name": "http", "network.protocol.version": "1.1"}
    assert wanted.items() <= attributes.items()
    assert trace.get_current_span(Context()).is_recording() is False
