"""Telemetry overhead: CPU per call of metrics, exemplars and spans, compared with one call of the bare SDK.

Prints a table and writes every measurement to bench/results/telemetry_cost.json. Each part runs alone, REPEATS times
OPERATIONS, in a fixed order that is repeated so that a slow phase of the machine meets all parts. The CPU time of all
threads counts, so it includes the encoding of spans in the background. It leaves out sending: the collector is a sink
in memory. Elapsed time would include the machine's other work. Run it with `make bench-telemetry`. runtime.py
compares whole services with the bare SDK.
"""

import asyncio
import json
import os
import platform
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from mcp.server._otel import OpenTelemetryMiddleware
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span
from prometheus_client import CollectorRegistry, Histogram

from bench.load import Load
from bench.processes import running
from meshed_mcp import contract
from meshed_mcp.agents.http.rejections import Rejections, reason_for
from meshed_mcp.agents.telemetry.metrics import OperationMetrics
from meshed_mcp.agents.telemetry.propagation import HTTPParent
from meshed_mcp.agents.telemetry.tracing import BoundedProcessor, CallerDecisionSampler, CountingExporter

REPEATS: Final = 30
OPERATIONS: Final = 2000
RUN_SECONDS: Final = 1.0
"""Load on the bare SDK server per repeat."""

RESULTS: Final = Path(__file__).parent / "results" / "telemetry_cost.json"
RATIOS: Final = (0.0, 0.01, 0.1, 1.0)

PROCESSORS: Final[list[BoundedProcessor]] = []
"""Processors that still hold spans of the part that ran last."""

Operation = Callable[[], Awaitable[object]]


@dataclass
class FakeContext:
    """The parts of a message that the runtime's and the SDK's middleware read."""

    method: str = "tools/call"
    protocol_version: str = "2026-07-28"
    request_id: int = 1
    request: Any = None
    meta: Any = None

    @property
    def params(self) -> dict[str, Any]:
        """A call of a registered tool."""
        return {"name": "nothing"}


class Sink(SpanExporter):
    """Encodes spans as the OTLP exporter does, but sends nothing."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Encode one batch."""
        encode_spans(spans).SerializePartialToString()
        return SpanExportResult.SUCCESS


async def nothing(_: Any = None) -> None:
    """Stand in for the tool."""


def bare() -> Operation:
    """Do nothing: the cost of the loop, which is subtracted from all other parts."""
    return nothing


def metrics() -> Operation:
    """The operation metrics, outside a span."""
    middleware = OperationMetrics(CollectorRegistry(), is_tool=lambda _: True, tool_count=lambda: 1, release="")
    context: Any = FakeContext()
    return lambda: middleware(context, nothing)


def within_kept_span(measured: Operation) -> Operation:
    """The operation metrics inside a sampled span, which adds an exemplar."""
    kept = SpanContext(1, 1, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))

    async def within() -> None:
        with use_span(NonRecordingSpan(kept)):
            await measured()

    return within


def http_metrics(headers: list[tuple[bytes, bytes]]) -> Operation:
    """Telemetry of the HTTP middleware: trace context of the headers, duration by status, rejected requests."""
    registry = CollectorRegistry()
    refusals = Rejections(registry)
    labels = ("http_route", "http_request_method", "http_response_status_code")
    seconds = Histogram("x", "X.", labels, buckets=contract.DURATION_BUCKETS_SECONDS, registry=registry)
    scope = {"headers": [*((b"x-header-%d" % number, b"x") for number in range(10)), *headers]}

    async def call() -> None:
        begin = time.perf_counter()
        with HTTPParent(scope):
            reason = reason_for(200, b"{}")
        refusals.count(reason)
        seconds.labels("/mcp", "POST", "200").observe(time.perf_counter() - begin)

    return call


def spans(ratio: float | None) -> Operation:
    """The SDK's own span of one call, encoded if the ratio samples it; None = a process without a collector."""
    import mcp.shared._otel as sdk  # noqa: PLC0415 - its tracer is replaced per part

    provider: trace.TracerProvider = trace.NoOpTracerProvider()
    if ratio is not None:
        provider = own = TracerProvider(sampler=CallerDecisionSampler(ratio), shutdown_on_exit=False)
        processor = BoundedProcessor(CountingExporter(Sink(), "", CollectorRegistry()))
        own.add_span_processor(processor)
        PROCESSORS.append(processor)
    tracer = provider.get_tracer("bench")
    middleware: Any = OpenTelemetryMiddleware()
    context = FakeContext()

    async def call() -> None:
        sdk._tracer = tracer  # noqa: SLF001
        await middleware(context, nothing)

    return call


TRACEPARENT: Final = (b"traceparent", f"00-{1:032x}-{1:016x}-01".encode())
PARTS: Final[dict[str, Callable[[], Operation]]] = {
    "loop": bare,
    "operation metrics": metrics,
    "kept span alone": lambda: within_kept_span(nothing),
    "operation metrics in kept span": lambda: within_kept_span(metrics()),
    "HTTP metrics": lambda: http_metrics([]),
    "HTTP metrics, traceparent": lambda: http_metrics([TRACEPARENT]),
    "span, no collector": lambda: spans(None),
    **{f"span, ratio {ratio:g}": partial(spans, ratio) for ratio in RATIOS},
}


async def timed(operation: Operation) -> float:
    """Microseconds of CPU per operation, all threads, until the last span is encoded."""
    begin = time.process_time()
    for _ in range(OPERATIONS):
        await operation()
    for processor in PROCESSORS:
        processor.force_flush()
    return (time.process_time() - begin) / OPERATIONS * 1e6


async def measured_parts() -> dict[str, list[float]]:
    """Every repeat of every part, interleaved."""
    made = {name: part() for name, part in PARTS.items()}
    found: dict[str, list[float]] = {name: [] for name in made}
    for operation in made.values():
        await timed(operation)  # warm: label sets, caches, the interpreter's specialized code
    for _ in range(REPEATS):
        for name, operation in made.items():
            found[name].append(await timed(operation))
    return found


def measured_calls() -> list[float]:
    """CPU microseconds of one call on the bare SDK server, per repeat."""
    found: list[float] = []
    with running("bare") as server, Load(server.port) as load:
        load.run(RUN_SECONDS)
        for _ in range(REPEATS):
            begin = server.cpu_seconds()
            calls, _ = load.run(RUN_SECONDS)
            found.append((server.cpu_seconds() - begin) / calls * 1e6)
    return found


def report(parts: dict[str, list[float]], calls: list[float]) -> None:
    """Print the table: median CPU of each part without the loop, and its share of a call."""
    call = statistics.median(calls)
    cost = {name: statistics.median(found) - statistics.median(parts["loop"]) for name, found in parts.items()}
    cost["= metrics"] = cost["operation metrics"] + cost["HTTP metrics"]
    cost["= exemplar"] = cost["operation metrics in kept span"] - cost["kept span alone"] - cost["operation metrics"]
    for ratio in RATIOS:
        cost[f"= tracing, ratio {ratio:g}"] = cost[f"span, ratio {ratio:g}"] - cost["span, no collector"]
    print(f"bare SDK, tools/call of an empty tool: {call:.0f} us of CPU (median of {len(calls)} runs)")
    for name, microseconds in cost.items():
        print(f"{name:32} {microseconds:7.2f} us  {microseconds / call:6.2%}")


def main() -> None:
    """Measure, save and print."""
    load_before = os.getloadavg()[0]
    calls = measured_calls()
    parts = asyncio.run(measured_parts())
    packages = ("mcp", "prometheus-client", "opentelemetry-sdk", "uvicorn")
    raw = {
        "unit": "microseconds of CPU per operation",
        "operations_per_repeat": OPERATIONS,
        "load_before": load_before,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in packages},
        "cores": os.cpu_count(),
        "bare_sdk_call": calls,
        "parts": parts,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(raw, indent=1) + "\n", encoding="utf-8")
    report(parts, calls)


if __name__ == "__main__":
    main()
