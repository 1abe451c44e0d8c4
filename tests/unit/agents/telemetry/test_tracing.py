"""Sampling, counting and export of spans, also with an unreachable collector."""

import logging
import subprocess
import sys
from collections.abc import Sequence

import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from prometheus_client import CollectorRegistry

from meshed_mcp import contract
from meshed_mcp.agents import Settings, span
from meshed_mcp.agents.telemetry.propagation import HTTPParent
from meshed_mcp.agents.telemetry.tracing import (
    BATCH_SPANS,
    QUEUED_SPANS,
    BoundedProcessor,
    CallerDecisionSampler,
    CountingExporter,
    resource,
    start_tracing,
)

TRACE, PARENT = 0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7


class Collector(SpanExporter):
    """An exporter that a test can make fail."""

    def __init__(self) -> None:
        self.result = SpanExportResult.SUCCESS
        self.names: list[str] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Take the names."""
        self.names += [each.name for each in spans]
        return self.result


def counting(collector: Collector, registry: CollectorRegistry) -> CountingExporter:
    """The exporter around the collector."""
    return CountingExporter(collector, "http://collector:4318/v1/traces", registry)


def ended(count: int) -> list[ReadableSpan]:
    """Spans that were kept and have ended."""
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")
    spans = [tracer.start_span(str(number)) for number in range(count)]
    for each in spans:
        each.end()
    return [each for each in spans if isinstance(each, ReadableSpan)]


def sampled(registry: CollectorRegistry, metric: str, error: str) -> float | None:
    """One sample of a span counter."""
    return registry.get_sample_value(metric, {contract.LABEL_ERROR: error})


def remote(*, kept: bool) -> Context:
    """The context of a caller who has decided."""
    flags = TraceFlags(TraceFlags.SAMPLED if kept else TraceFlags.DEFAULT)
    parent = SpanContext(TRACE, PARENT, is_remote=True, trace_flags=flags)
    return trace.set_span_in_context(NonRecordingSpan(parent), Context())


def kept(ratio: float, context: Context | None) -> bool:
    """Whether a span would be kept."""
    return bool(CallerDecisionSampler(ratio).should_sample(context, TRACE, "tools/call").decision.is_sampled())


def test_a_remote_parent_decides_sampling_and_the_ratio_applies_to_own_traces() -> None:
    """OpenTelemetry SDK specification, "ParentBased" around "TraceIdRatioBased"."""
    assert kept(0, remote(kept=True))
    assert not kept(1, remote(kept=False))
    assert kept(1, Context())
    assert not kept(0, Context())


@pytest.mark.parametrize("ratio", [0.0, 0.01, 0.1, 0.5, 1.0])
def test_own_traces_are_sampled_as_by_opentelemetrys_sampler(ratio: float) -> None:
    """OpenTelemetry SDK specification, "TraceIdRatioBased": every service of a trace must reach the same decision."""
    theirs, ours = ParentBased(TraceIdRatioBased(ratio)), CallerDecisionSampler(ratio)
    edge = TraceIdRatioBased.get_bound_for_rate(ratio)
    for trace_id in (1, max(edge - 1, 1), edge, edge + 1, TRACE, (1 << 64) - 1, 1 << 64, (1 << 128) - 1):
        expected = theirs.should_sample(Context(), trace_id, "tools/call").decision
        assert ours.should_sample(Context(), trace_id, "tools/call").decision is expected, hex(trace_id)


@pytest.mark.parametrize(("flags", "expected"), [("00", False), ("01", True)])
def test_a_caller_cannot_force_sampling_through_meta(flags: str, *, expected: bool) -> None:
    """Requirement OBS-9: one sampling decision: proxies set the header, but any client can set `_meta`."""
    scope = {"headers": [(b"traceparent", f"00-{TRACE:032x}-{PARENT:016x}-{flags}".encode())]}
    with HTTPParent(scope):
        assert kept(1, remote(kept=True)) is expected


def test_exported_and_failed_spans_are_counted() -> None:
    """OpenTelemetry, "SDK metrics", `otel.sdk.exporter.span.exported`."""
    registry, collector = CollectorRegistry(), Collector()
    exporter = counting(collector, registry)
    exporter.export(ended(3))
    collector.result = SpanExportResult.FAILURE
    exporter.export(ended(2))
    assert sampled(registry, contract.METRIC_SPANS_EXPORTED, "") == 3
    assert sampled(registry, contract.METRIC_SPANS_EXPORTED, "export_failed") == 2


def test_the_loss_and_the_recovery_of_a_collector_are_one_line_each(caplog: pytest.LogCaptureFixture) -> None:
    """Requirement OBS-15: no line per batch or span."""
    caplog.set_level(logging.INFO, "meshed_mcp.agents.telemetry.tracing")
    collector = Collector()
    exporter = counting(collector, CollectorRegistry())
    for result in (SpanExportResult.FAILURE, SpanExportResult.FAILURE, SpanExportResult.SUCCESS):
        collector.result = result
        exporter.export(ended(1))
    assert [record.message for record in caplog.records] == [
        (
            "http://collector:4318/v1/traces accepts no spans; calls go on, lost spans are counted in "
            "otel_sdk_exporter_span_exported_total"
        ),
        "http://collector:4318/v1/traces accepts spans again",
    ]


def test_a_full_queue_drops_spans_and_counts_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenTelemetry, "SDK metrics", `otel.sdk.processor.span.processed`, error.type queue_full."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "3600000")
    registry, collector = CollectorRegistry(), Collector()
    processor = BoundedProcessor(counting(collector, registry), queue_size=4)
    monkeypatch.setattr(processor._batch_processor, "_export", lambda _: None)  # the collector takes for ever
    for each in ended(6):
        processor.on_end(each)
    assert sampled(registry, contract.METRIC_SPANS_PROCESSED, "") == 4
    assert sampled(registry, contract.METRIC_SPANS_PROCESSED, "queue_full") == 2
    monkeypatch.undo()
    processor.shutdown()
    assert sorted(collector.names) == ["0", "1", "2", "3"]


def test_queue_and_batch_sizes_are_opentelemetrys_defaults() -> None:
    """OpenTelemetry SDK specification, "Batching processor", `maxQueueSize` and `maxExportBatchSize`."""
    assert BatchSpanProcessor._default_max_queue_size() == QUEUED_SPANS
    assert BatchSpanProcessor._default_max_export_batch_size() == BATCH_SPANS


def test_spans_have_service_and_instance_attributes() -> None:
    """OpenTelemetry resource conventions, "Service": name, namespace, and an instance id that is unique."""
    settings = Settings(service="mcp-search", namespace="mcp-system")
    first, second = resource(settings).attributes, resource(settings).attributes
    assert (first["service.name"], first["service.namespace"]) == ("mcp-search", "mcp-system")
    assert first["service.instance.id"] != second["service.instance.id"]


def test_without_a_collector_nothing_is_set_up() -> None:
    """Requirement CMP-8: without an endpoint there are no spans, and a step has no effect."""
    before = trace.get_tracer_provider()
    registry = CollectorRegistry()
    start_tracing(Settings(), registry)()
    assert trace.get_tracer_provider() is before
    assert list(registry.collect()) == []
    with span("rank passages", passages=3) as step:
        assert not step.is_recording()


@pytest.mark.slow
def test_a_process_without_export_does_not_import_the_exporter() -> None:
    """Requirement RUN-13: idle memory: the exporter and its protobuf messages are 3 MiB."""
    code = "import sys, meshed_mcp.agents; print(sorted(name for name in sys.modules if 'exporter.otlp' in name))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
