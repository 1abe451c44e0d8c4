"""OpenTelemetry tracing of one process: provider, sampler, exporter, and counters of the spans that it loses."""

import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
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
from meshed_mcp.agents.telemetry.propagation import TRACEPARENT, UNSAMPLED, current_http_parent

TRACES_PATH: Final = "/v1/traces"  # Source: OTLP specification, "OTLP/HTTP Request"
UNSAMPLED_HEADERS: Final = {TRACEPARENT: UNSAMPLED}  # headers of an export request, which proxies must not trace
QUEUED_SPANS: Final = 2048  # most queued spans. Source: OpenTelemetry, `OTEL_BSP_MAX_QUEUE_SIZE`, default.
BATCH_SPANS: Final = 512  # spans in one request. Source: OpenTelemetry, `OTEL_BSP_MAX_EXPORT_BATCH_SIZE`, default.
END_SECONDS: Final = 0.5  # longest wait for the last spans at the end of the process; part of the grace period
DROPPED: Final = SamplingResult(Decision.DROP)  # a new unsampled trace
QUEUE_FULL: Final = "queue_full"
EXPORT_FAILED: Final = "export_failed"
NO_ERROR: Final = ""

_EXPORTER_LOGGER: Final = "opentelemetry.exporter.otlp.proto.http.trace_exporter"

logger = logging.getLogger(__name__)
_tracer = trace.get_tracer("meshed_mcp")


def span(name: str, **attributes: str | bool | float) -> AbstractContextManager[Span]:
    """Open a span around a step, for a `with` statement; an exception marks it as failed.

    Use a fixed `name` for each kind of step and put values into `attributes`: trace stores index span names.
    """
    return _tracer.start_as_current_span(name, attributes=attributes)


def start_tracing(settings: Settings, registry: CollectorRegistry) -> Callable[[], None]:
    """Set the process's tracer provider and return its shutdown function, which takes at most END_SECONDS.

    Does nothing without an endpoint, and keeps a provider that the user has set.
    """
    taken = not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
    if settings.otlp_endpoint is None or taken:
        return lambda: None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - 3 MiB only where it exports

    endpoint = settings.otlp_endpoint.rstrip("/") + TRACES_PATH
    exporter = CountingExporter(OTLPSpanExporter(endpoint=endpoint, headers=UNSAMPLED_HEADERS), endpoint, registry)
    provider = TracerProvider(
        sampler=CallerDecisionSampler(settings.trace_ratio), resource=resource(settings), shutdown_on_exit=False
    )
    provider.add_span_processor(BoundedProcessor(exporter))
    trace.set_tracer_provider(provider)
    if "OTEL_PROPAGATORS" not in os.environ:
        set_global_textmap(TraceContextTextMapPropagator())  # no baggage: it would carry clients' text along
    logging.getLogger(_EXPORTER_LOGGER).setLevel(logging.CRITICAL)  # a line per batch; CountingExporter logs changes
    return lambda: run_with_timeout(provider.shutdown, END_SECONDS)


def resource(settings: Settings) -> Resource:
    """Return the resource of spans and logs. Source: OpenTelemetry, "Service"; the environment may add attributes."""
    return Resource.create(
        {
            "service.name": settings.service,
            "service.namespace": settings.namespace,
            "service.instance.id": str(uuid.uuid4()),
            "host.name": socket.gethostname(),
        }
    )


class CallerDecisionSampler(Sampler):
    """Sampler that keeps the caller's decision and samples new traces by ratio.

    A request is sampled only if both the header and `_meta` say so: proxies decide by the header, and with `_meta`
    alone every client could have all its calls sampled.
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
        """Return the decision on one span."""
        parent = get_current_span(parent_context).get_span_context()
        if not parent.is_valid and trace_id & TraceIdRatioBased.TRACE_ID_LIMIT >= self._bound:
            return DROPPED  # the result of the sampler below for most calls, in a third of the time
        header = current_http_parent()
        if parent.is_remote and header is not None and not header.trace_flags.sampled:
            return SamplingResult(Decision.DROP, trace_state=parent.trace_state)
        return self._by_parent.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        """Return the name of the sampler."""
        return type(self).__name__


class ExportLog:
    """Logs the first failed export, and the first successful one after failures."""

    def __init__(self, log: logging.Logger, failed: str, recovered: str) -> None:
        self._log, self._failed, self._recovered = log, failed, recovered
        self._is_failing = False

    def __call__(self, *, success: bool) -> None:
        """Note the outcome of one export."""
        if success and self._is_failing:
            self._log.info("%s", self._recovered)
        elif not success and not self._is_failing:
            self._log.warning("%s", self._failed)
        self._is_failing = not success


class CountingExporter(SpanExporter):
    """Exporter that counts sent and lost spans."""

    def __init__(self, exporter: SpanExporter, endpoint: str, registry: CollectorRegistry) -> None:
        self._exporter = exporter
        failed = f"{endpoint} accepts no spans; calls go on, lost spans are counted in {contract.METRIC_SPANS_EXPORTED}"
        self._log = ExportLog(logger, failed, f"{endpoint} accepts spans again")
        self.handled = 0
        counter = partial(Counter, labelnames=(contract.LABEL_ERROR,), registry=registry)
        exported = counter(contract.METRIC_SPANS_EXPORTED, "Spans sent to the collector.")
        self._sent, self._lost = exported.labels(NO_ERROR), exported.labels(EXPORT_FAILED)
        processed = counter(contract.METRIC_SPANS_PROCESSED, "Sampled spans that ended.")
        self.queued, self.dropped = processed.labels(NO_ERROR), processed.labels(QUEUE_FULL)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send one batch; runs in the processor's thread."""
        self.handled += len(spans)
        result = self._exporter.export(spans)
        success = result is SpanExportResult.SUCCESS
        (self._sent if success else self._lost).inc(len(spans))
        self._log(success=success)
        return result

    def shutdown(self) -> None:
        """Cancel the export in progress."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flush the inner exporter."""
        return self._exporter.force_flush(timeout_millis)


class BoundedProcessor(BatchSpanProcessor):
    """Batch processor that counts each span that finds the queue full instead of logging it."""

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
            full = self._accepted - self._counts.handled >= self._queue_size
            self._accepted += not full
        if full:
            self._counts.dropped.inc()
        else:
            self._counts.queued.inc()
            super().on_end(span)


def run_with_timeout(work: Callable[[], None], seconds: float) -> None:
    """Run `work` in a daemon thread and wait for its end, at most `seconds`."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
