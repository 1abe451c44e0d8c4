"""Prometheus instruments with a bounded number of label sets and with trace exemplars."""

from collections.abc import Sequence
from functools import cache
from typing import Final, Generic, TypeVar

from opentelemetry.trace import format_span_id, format_trace_id, get_current_span
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics import MetricWrapperBase

from meshed_mcp import contract

OTHER: Final = "_OTHER"
"""Label value of every unknown name. Source: OpenTelemetry, `error.type` and `http.request.method`."""

LABEL_SETS: Final = contract.HISTOGRAM_LABEL_SETS
"""Most label sets of one histogram, of 17 series each. Bounds servers that register tools while they run."""


def exemplar() -> dict[str, str] | None:
    """Return the ids of the current span for an exemplar; None unless the span is sampled.

    Source: OpenMetrics 1.0, "Exemplars"; the label names are those that Grafana and OpenTelemetry use.
    """
    span = get_current_span().get_span_context()
    if not (span.trace_flags.sampled and span.is_valid):
        return None
    return {"trace_id": format_trace_id(span.trace_id), "span_id": format_span_id(span.span_id)}


Metric = TypeVar("Metric", bound=MetricWrapperBase)


class LabeledChildren(dict[tuple[str, ...], Metric], Generic[Metric]):
    """Children of a metric by label values, in half the time of `labels()`, which locks and validates."""

    def __init__(self, metric: Metric) -> None:
        super().__init__()
        self._metric = metric

    def __missing__(self, values: tuple[str, ...]) -> Metric:
        child = self[values] = self._metric.labels(*values)
        return child


@cache
def label_overflow(registry: CollectorRegistry) -> Counter:
    """Return the counter of label values that became OTHER, which servers and clients of a process share."""
    return Counter(
        contract.METRIC_LABEL_OVERFLOW, "Label values replaced by _OTHER.", ("metric", "label"), registry=registry
    )


class BoundedHistogram:
    """Histogram of seconds; beyond LABEL_SETS, `open_label` of a new label set becomes OTHER."""

    def __init__(
        self, name: str, text: str, labels: Sequence[str], *, open_label: str, registry: CollectorRegistry
    ) -> None:
        self._overflow = label_overflow(registry).labels(name, open_label)
        self._open = list(labels).index(open_label)
        histogram = Histogram(name, text, labels, buckets=contract.DURATION_BUCKETS_SECONDS, registry=registry)
        self._children = LabeledChildren(histogram)

    def observe(self, values: tuple[str, ...], seconds: float) -> None:
        """Record one measurement, with an exemplar if the current span is sampled."""
        if values not in self._children:
            values = self._bounded(values)
        self._children[values].observe(seconds, exemplar())

    def _bounded(self, values: tuple[str, ...]) -> tuple[str, ...]:
        if len(self._children) < LABEL_SETS or values[self._open] == OTHER:
            return values
        self._overflow.inc()
        return (*values[: self._open], OTHER, *values[self._open + 1 :])
