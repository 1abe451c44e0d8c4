"""Alerts on the ways of samples and spans: records out. Not here: expressions (`core/tracing_queries.py`)."""

from collections.abc import Iterator
from typing import Final

from meshed_mcp.components.core import tracing_queries as ways
from meshed_mcp.components.observability import jaeger
from meshed_mcp.components.observability.alert import NUMBER, PERCENT, Alert

PART: Final = "{{ $labels.service }} in {{ $labels.namespace }}"


def tracing_alerts() -> Iterator[Alert]:
    """All of them; without remote write or collectors their series do not exist, and they stay quiet."""
    yield from backlogs()
    yield from lost_spans()


def backlogs() -> Iterator[Alert]:
    """What is sent on waits."""
    yield Alert(
        "PrometheusRemoteWriteBehind",
        ways.remote_write_behind(),
        "15m",
        "warning",
        "monitoring",
        f"{{{{ $labels.pod }}}} is {NUMBER} s behind in sending samples to {{{{ $labels.url }}}}",
        "What looks at the other place sees the past; after two hours samples are lost there.",
    )
    yield Alert(
        "OTelCollectorQueueFull",
        ways.queue_share(),
        "5m",
        "warning",
        "monitoring",
        f"The queue of {{{{ $labels.pod }}}} to {{{{ $labels.exporter }}}} is {PERCENT} full",
        "When it is full, spans are refused, and those who sent them drop them.",
    )


def lost_spans() -> Iterator[Alert]:
    """What was taken, or offered, is gone."""
    yield Alert(
        "OTelCollectorRefusing",
        ways.spans_refused(),
        "10m",
        "warning",
        "monitoring",
        f"{PART} refused {NUMBER} spans in ten minutes",
        "Its memory or its queue is full. Calls go on; their traces have holes.",
    )
    yield Alert(
        "OTelSpansUndelivered",
        ways.spans_undelivered(jaeger.NAME),
        "10m",
        "warning",
        "monitoring",
        f"{PART} gave up {NUMBER} spans in ten minutes",
        "The next part does not take them. Their traces have holes.",
    )
    yield Alert(
        "JaegerStorageErrors",
        ways.storage_errors(jaeger.NAME),
        "10m",
        "warning",
        "monitoring",
        f"The storage of {PART} failed {NUMBER} times in ten minutes: {{{{ $labels.operation }}}}",
        "Traces of this time have holes, or cannot be looked at.",
    )
    yield Alert(
        "TailSamplingDroppedTooEarly",
        ways.dropped_early(),
        "10m",
        "warning",
        "monitoring",
        f"{PART} dropped {NUMBER} traces in ten minutes before it could choose",
        "More traces wait than it may hold: errors and slow calls are lost with the rest.",
    )
