"""Bounded label sets and exemplars of sampled spans."""

import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest

from meshed_mcp import contract
from meshed_mcp.agents.telemetry import instruments
from meshed_mcp.agents.telemetry.instruments import BoundedHistogram

TRACE, SPAN = 0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7


def histogram(registry: CollectorRegistry) -> BoundedHistogram:
    """A histogram by method and tool."""
    return BoundedHistogram("x_seconds", "X.", ("method", "tool"), open_label="tool", registry=registry)


def text_after(flags: int) -> str:
    """The exposition after one measurement inside a span."""
    registry = CollectorRegistry()
    current = SpanContext(TRACE, SPAN, is_remote=False, trace_flags=TraceFlags(flags))
    with trace.use_span(NonRecordingSpan(current)):
        histogram(registry).observe(("tools/call", "rank"), 0.03)
    return str(generate_latest(registry), "utf-8")


def test_a_measurement_in_a_sampled_span_has_an_exemplar() -> None:
    """OpenMetrics 1.0, "Exemplars"."""
    wanted = f'# {{span_id="{SPAN:016x}",trace_id="{TRACE:032x}"}} 0.03'
    assert [line for line in text_after(TraceFlags.SAMPLED).splitlines() if wanted in line]


def test_a_measurement_in_an_unsampled_span_has_no_exemplar() -> None:
    """OpenTelemetry, exemplar filter `trace_based`: a link to a trace that is not stored is worse than none."""
    assert f"{TRACE:032x}" not in text_after(TraceFlags.DEFAULT)


def test_tool_labels_beyond_the_limit_share_one_label_and_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement OBS-2: invented names do not grow the memory of a process."""
    monkeypatch.setattr(instruments, "LABEL_SETS", 2)
    registry = CollectorRegistry()
    bounded = histogram(registry)
    for tool in ("a", "b", "c", "d", "a"):
        bounded.observe(("tools/call", tool), 1)
    counts = {
        tool: registry.get_sample_value("x_seconds_count", {"method": "tools/call", "tool": tool})
        for tool in ("a", "b", "c", "d", "_OTHER")
    }
    assert counts == {"a": 2, "b": 1, "c": None, "d": None, "_OTHER": 2}
    overflow = {"metric": "x_seconds", "label": "tool"}
    assert registry.get_sample_value(contract.METRIC_LABEL_OVERFLOW, overflow) == 2
