"""Spans of one process on their way to a collector; what makes them is the SDK's and the user's code.

In: settings and a metrics registry. Out: OpenTelemetry's provider, set up once per process, and counters of its losses.
A collector that is away costs its spans and one log line: calls never wait, and the queue is bounded.
Not here: which trace a request belongs to (propagation.py), ids in log lines (logs.py).
"""

import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.propagate import set_global_textmap
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import Link, Span, SpanKind, TraceState, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import Attributes
from prometheus_client import CollectorRegistry, Counter

from meshed_mcp import contract
from meshed_mcp.agents.settings import Settings
from meshed_mcp.agents.telemetry.propagation import NOT_KEPT, TRACEPARENT, current_http_parent

TRACES_PATH: Final = "/v1/traces"
"""Source: OTLP specification, "OTLP/HTTP Request"."""

UNTRACED: Final = {TRACEPARENT: NOT_KEPT}
"""Headers of an export: its own way through the mesh is no trace."""

QUEUED_SPANS: Final = 2048
"""Spans that wait for the collector at most. Source: OpenTelemetry, `OTEL_BSP_MAX_QUEUE_SIZE`, default."""

BATCH_SPANS: Final = 512
"""Spans in one request. Source: OpenTelemetry, `OTEL_BSP_MAX_EXPORT_BATCH_SIZE`, default."""

END_SECONDS: Final = 0.5
"""Longest wait at the end of the process for the last spans; the grace period has to hold it."""

DROPPED: Final = SamplingResult(Decision.DROP)
"""A trace that begins here and that nobody keeps."""

QUEUE_FULL: Final = "queue_full"
EXPORT_FAILED: Final = "export_failed"
NO_ERROR: Final = ""

_EXPORTER_LOGGER: Final = "opentelemetry.exporter.otlp.proto.http.trace_exporter"

logger = logging.getLogger(__name__)
_tracer = trace.get_tracer("meshed_mcp")


def span(name: str, **attributes: str | bool | float) -> AbstractContextManager[Span]:
    """Open a span around a business step; an exception marks it as failed. Use it by `with`.

    `name` says what is done, never for whom: names are kept apart and counted by the trace store.
    """
    return _tracer.start_as_current_span(name, attributes=attributes)


def start_tracing(settings: Settings, registry: CollectorRegistry) -> Callable[[], None]:
    """Set the process's provider and return what ends it, within END_SECONDS; does nothing without an endpoint.

    A provider that is set already stays: it is the user's own.
    """
    taken = not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
    if settings.otlp_endpoint is None or taken:
        return lambda: None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - 3 MiB only where it exports
        OTLPSpanExporter,
    )

    endpoint = settings.otlp_endpoint.rstrip("/") + TRACES_PATH
    exporter = CountingExporter(OTLPSpanExporter(endpoint=endpoint, headers=UNTRACED), endpoint, registry)
    provider = TracerProvider(
        sampler=OneDecision(settings.trace_ratio), resource=resource(settings), shutdown_on_exit=False
    )
    provider.add_span_processor(BoundedProcessor(exporter))
    trace.set_tracer_provider(provider)
    if "OTEL_PROPAGATORS" not in os.environ:
        set_global_textmap(TraceContextTextMapPropagator())  # baggage would carry strangers' words through the mesh
    logging.getLogger(_EXPORTER_LOGGER).setLevel(logging.CRITICAL)  # a line per batch; CountingExporter has one in all
    return lambda: _within(END_SECONDS, provider.shutdown)


def resource(settings: Settings) -> Resource:
    """Who makes the spans. Source: OpenTelemetry resource conventions, "Service"; the environment may add to it."""
    return Resource.create(
        {
            "service.name": settings.service,
            "service.namespace": settings.namespace,
            "service.instance.id": str(uuid.uuid4()),
            "host.name": socket.gethostname(),
        }
    )


class OneDecision(Sampler):
    """Whether a span is kept: the caller decides, and for traces that begin here the ratio.

    Of a request's two carriers the header can only say no: proxies decide by it, and were `_meta` enough, every
    stranger could have all calls recorded.
    """

    def __init__(self, ratio: float) -> None:
        self._by_parent = ParentBased(TraceIdRatioBased(ratio))
        self._bound = TraceIdRatioBased.get_bound_for_rate(ratio)

    def should_sample(  # noqa: PLR0913, PLR0917 - OpenTelemetry's signature
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Decide on one span."""
        parent = get_current_span(parent_context).get_span_context()
        if not parent.is_valid and trace_id & TraceIdRatioBased.TRACE_ID_LIMIT >= self._bound:
            return DROPPED  # what the sampler below finds for most calls, in a third of the time
        header = current_http_parent()
        if parent.is_remote and header is not None and not header.trace_flags.sampled:
            return SamplingResult(Decision.DROP, trace_state=parent.trace_state)
        return self._by_parent.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        """Name the sampler."""
        return type(self).__name__


class CountingExporter(SpanExporter):
    """An exporter whose losses are counted, and told once when they begin and once when they end."""

    def __init__(self, exporter: SpanExporter, endpoint: str, registry: CollectorRegistry) -> None:
        self._exporter = exporter
        self._endpoint = endpoint
        self._losing = False
        self.taken = 0
        exported = Counter(
            contract.METRIC_SPANS_EXPORTED, "Spans sent to the collector.", (contract.LABEL_ERROR,), registry=registry
        )
        self._sent, self._lost = exported.labels(NO_ERROR), exported.labels(EXPORT_FAILED)
        processed = Counter(
            contract.METRIC_SPANS_PROCESSED, "Sampled spans that ended.", (contract.LABEL_ERROR,), registry=registry
        )
        self.queued, self.dropped = processed.labels(NO_ERROR), processed.labels(QUEUE_FULL)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send one batch; called by the processor's own thread."""
        self.taken += len(spans)
        result = self._exporter.export(spans)
        success = result is SpanExportResult.SUCCESS
        (self._sent if success else self._lost).inc(len(spans))
        if success and self._losing:
            logger.info("%s takes spans again", self._endpoint)
        elif not success and not self._losing:
            logger.warning(
                "%s takes no spans; calls go on, spans are lost and counted in %s",
                self._endpoint,
                contract.METRIC_SPANS_EXPORTED,
            )
        self._losing = not success
        return result

    def shutdown(self) -> None:
        """Give up what is being sent."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing is held back here."""
        return self._exporter.force_flush(timeout_millis)


class BoundedProcessor(BatchSpanProcessor):
    """OpenTelemetry's batches; a span that finds the queue full is counted instead of logged, one by one."""

    def __init__(self, exporter: CountingExporter, queue_size: int = QUEUED_SPANS) -> None:
        super().__init__(exporter, max_queue_size=queue_size, max_export_batch_size=min(queue_size, BATCH_SPANS))
        self._counts = exporter
        self._queue_size = queue_size
        self._accepted = 0
        self._lock = threading.Lock()

    def on_end(self, span: ReadableSpan) -> None:
        """Queue a sampled span, or drop it."""
        if not (span.context and span.context.trace_flags.sampled):
            return
        with self._lock:
            full = self._accepted - self._counts.taken >= self._queue_size
            self._accepted += not full
        if full:
            self._counts.dropped.inc()
        else:
            self._counts.queued.inc()
            super().on_end(span)


def _within(seconds: float, work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
