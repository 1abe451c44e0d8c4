"""A span becomes the current one as with OpenTelemetry's own tracer: the same spans come out."""

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, Tracer

from meshed_mcp.agents.current_span import LeanProvider

pytestmark = pytest.mark.anyio

Use = Callable[[Tracer], None]


class GoneError(Exception):
    """What a block may raise."""


def raising(error: BaseException, **options: Any) -> Use:
    """A block that raises."""

    def use(tracer: Tracer) -> None:
        with pytest.raises(type(error)), tracer.start_as_current_span("step", **options):
            raise error

    return use


def nested(tracer: Tracer) -> None:
    """Two spans, with attributes and a kind."""
    with tracer.start_as_current_span("outer", kind=SpanKind.SERVER, attributes={"a": 1}) as outer:
        with tracer.start_as_current_span("inner"):
            trace.get_current_span().set_attribute("inside", value=True)
        assert trace.get_current_span() is outer


def still_open(tracer: Tracer) -> None:
    """A span that its block does not end."""
    with tracer.start_as_current_span("open", end_on_exit=False) as span:
        pass
    assert span.is_recording()
    span.update_name("ended later")
    span.end()


def decorated(tracer: Tracer) -> None:
    """A function that has a span at each call."""

    @tracer.start_as_current_span("decorated")
    def work() -> bool:
        return trace.get_current_span().is_recording()

    assert [work(), work()] == [True, True]


def spans_of(provider: TracerProvider, use: Use) -> list[tuple[Any, ...]]:
    """What `use` leaves, without ids and times; afterwards no span is the current one."""
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    use(provider.get_tracer("test"))
    assert not trace.get_current_span().get_span_context().is_valid
    return [shape(span) for span in exporter.get_finished_spans()]


def shape(span: ReadableSpan) -> tuple[Any, ...]:
    """What does not differ between two runs."""
    events = [(event.name, (event.attributes or {}).get("exception.type")) for event in span.events]
    status = (span.status.status_code, span.status.description)
    return span.name, span.kind, dict(span.attributes or {}), span.parent is None, status, events


@pytest.mark.parametrize(
    "use",
    [
        nested,
        still_open,
        decorated,
        raising(GoneError("gone")),
        raising(GoneError("gone"), record_exception=False),
        raising(GoneError("gone"), set_status_on_exception=False),
        raising(KeyboardInterrupt()),
    ],
    ids=["nested", "not ended", "decorator", "error", "error unrecorded", "error without status", "interrupt"],
)
def test_the_spans_are_those_of_the_librarys_tracer(use: Use) -> None:
    """OpenTelemetry API, `Tracer.start_as_current_span`."""
    wanted = spans_of(TracerProvider(shutdown_on_exit=False), use)
    assert wanted
    assert spans_of(LeanProvider(shutdown_on_exit=False), use) == wanted


async def test_a_decorated_coroutine_function_is_timed_to_its_end() -> None:
    """OpenTelemetry Python: the decorator awaits what a coroutine function returns."""
    provider, exporter = LeanProvider(shutdown_on_exit=False), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    @provider.get_tracer("test").start_as_current_span("decorated")
    async def work() -> bool:
        return trace.get_current_span().is_recording()

    assert await work()
    assert [span.name for span in exporter.get_finished_spans()] == ["decorated"]
