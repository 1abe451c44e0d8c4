"""Instruments whose size no caller decides: label sets with an upper bound, and exemplars that lead to a trace.

In: label values and numbers. Out: series in a `CollectorRegistry`.
Not here: what is measured (metrics.py, http/drain.py), names (meshed_mcp.contract).
"""

from collections.abc import Sequence
from typing import Final, Generic, TypeVar
from weakref import WeakKeyDictionary

from opentelemetry.trace import format_span_id, format_trace_id, get_current_span
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics import MetricWrapperBase

from meshed_mcp import contract

OTHER: Final = "_OTHER"
"""Label value for everything not known beforehand. Source: OpenTelemetry, `error.type` and `http.request.method`."""

LABEL_SETS: Final = contract.HISTOGRAM_LABEL_SETS
"""Label sets of one histogram at most; each is 17 series. A server that makes up tools while it runs stays bounded."""


def exemplar() -> dict[str, str] | None:
    """Ids of the current span, for a measurement's exemplar; None unless the span is kept.

    Source: OpenMetrics 1.0, "Exemplars"; the label names are those that Grafana and OpenTelemetry use.
    """
    span = get_current_span().get_span_context()
    if not (span.trace_flags.sampled and span.is_valid):
        return None
    return {"trace_id": format_trace_id(span.trace_id), "span_id": format_span_id(span.span_id)}


Metric = TypeVar("Metric", bound=MetricWrapperBase)


class Children(dict[tuple[str, ...], Metric], Generic[Metric]):
    """The children of a metric by their label values, found in half the time of `labels()`, which locks and checks."""

    def __init__(self, metric: Metric) -> None:
        super().__init__()
        self._metric = metric

    def __missing__(self, values: tuple[str, ...]) -> Metric:
        child = self[values] = self._metric.labels(*values)
        return child


class LabelOverflow:
    """Counts label values that were not known beforehand and became OTHER."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._values = Counter(
            contract.METRIC_LABEL_OVERFLOW,
            "Label values that were replaced by _OTHER.",
            ("metric", "label"),
            registry=registry,
        )

    def count(self, metric: str, label: str) -> None:
        """One value was replaced."""
        self._values.labels(metric, label).inc()


_overflows: Final[WeakKeyDictionary[CollectorRegistry, LabelOverflow]] = WeakKeyDictionary()


def label_overflow(registry: CollectorRegistry) -> LabelOverflow:
    """Return the registry's one `LabelOverflow`: servers and clients of a process share it."""
    found = _overflows.get(registry)
    if found is None:
        found = _overflows[registry] = LabelOverflow(registry)
    return found


class BoundedHistogram:
    """A histogram of seconds; beyond LABEL_SETS, `open_label` of a new set becomes OTHER."""

    def __init__(
        self,
        name: str,
        text: str,
        labels: Sequence[str],
        *,
        open_label: str,
        overflow: LabelOverflow,
        registry: CollectorRegistry,
    ) -> None:
        self._name, self._open_label, self._overflow = name, open_label, overflow
        self._open = list(labels).index(open_label)
        histogram = Histogram(name, text, labels, buckets=contract.DURATION_BUCKETS_SECONDS, registry=registry)
        self._children = Children(histogram)

    def observe(self, values: tuple[str, ...], seconds: float) -> None:
        """Record one measurement, with an exemplar when the current span is kept."""
        if values not in self._children:
            values = self._bounded(values)
        self._children[values].observe(seconds, exemplar())

    def _bounded(self, values: tuple[str, ...]) -> tuple[str, ...]:
        if len(self._children) < LABEL_SETS or values[self._open] == OTHER:
            return values
        self._overflow.count(self._name, self._open_label)
        return (*values[: self._open], OTHER, *values[self._open + 1 :])
