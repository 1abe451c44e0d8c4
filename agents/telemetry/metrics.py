"""Metrics of one process: MCP operations seen through the SDK's middleware, HTTP requests seen by the gate.

In: a `CollectorRegistry` of the process's own and what happens. Out: instruments under the names of
`meshed_mcp.contract`, every label clamped to names known before the call, so that no caller can add series.
Not here: `/metrics` itself (http/management.py), traces (the SDK makes them), dashboards (components/observability).
"""

from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from time import perf_counter
from typing import Any, Final

import mcp_types
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import methods
from mcp_types.version import KNOWN_PROTOCOL_VERSIONS
from prometheus_client import (
    CollectorRegistry,
    Gauge,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.metrics_core import Metric
from pydantic import ValidationError

from meshed_mcp import contract
from meshed_mcp.agents.http.limits import LISTEN_METHOD
from meshed_mcp.agents.http.request_context import LISTEN, Work, work_of
from meshed_mcp.agents.http.sessions import note_protocol
from meshed_mcp.agents.telemetry.instruments import OTHER, BoundedHistogram, label_overflow
from meshed_mcp.agents.telemetry.span_attributes import complete_server_span

NO_ERROR: Final = ""
"""An empty label is no label in Prometheus: `error_type=""` selects the calls that went well."""

TOOL_ERROR: Final = "tool_error"
"""Source: OpenTelemetry MCP conventions, `error.type` of a result with `isError: true`."""

CANCELLED: Final = "cancelled"
"""The client went away or cancelled, or the grace period ended; no answer was sent, so there is no code."""

CALL_METHOD: Final = "tools/call"
OPENING_METHOD: Final = "initialize"
CUMULATIVE: Final = frozenset({"counter", "histogram", "summary"})
"""Types with a `_created` series. Source: OpenMetrics 1.0, "Counter", "Histogram", "Summary"."""

KNOWN_METHODS: Final = methods.SPEC_CLIENT_METHODS | methods.SPEC_CLIENT_NOTIFICATION_METHODS
KNOWN_CODES: Final = frozenset(
    {
        mcp_types.PARSE_ERROR,
        mcp_types.INVALID_REQUEST,
        mcp_types.METHOD_NOT_FOUND,
        mcp_types.INVALID_PARAMS,
        mcp_types.INTERNAL_ERROR,
        mcp_types.CONNECTION_CLOSED,
        mcp_types.REQUEST_TIMEOUT,
        mcp_types.HEADER_MISMATCH,
        mcp_types.MISSING_REQUIRED_CLIENT_CAPABILITY,
        mcp_types.UNSUPPORTED_PROTOCOL_VERSION,
        mcp_types.URL_ELICITATION_REQUIRED,
        contract.FORBIDDEN,
    }
)
"""Source: MCP 2026-07-28, "Error Codes", as the SDK's `mcp_types` spells them; FORBIDDEN is ours."""


class ServiceRegistry(CollectorRegistry):
    """A registry without the `_created` series: one more per label set, which nothing reads.

    `prometheus_client.disable_created_metrics()` would take them from every registry of the user's process.
    """

    def collect(self) -> Iterator[Metric]:
        """Yield every metric, without the samples that say when it was created."""
        for metric in super().collect():
            created = f"{metric.name}_created"
            if metric.type in CUMULATIVE and any(sample.name == created for sample in metric.samples):
                metric.samples = [sample for sample in metric.samples if sample.name != created]
            yield metric


def process_registry() -> CollectorRegistry:
    """Return a registry that already has the process's memory, CPU, file descriptors and garbage collector."""
    registry = ServiceRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


class InWork:
    """Requests in work by method: numbers of the event loop's thread, read at each scrape."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._gauge = Gauge(
            contract.METRIC_ACTIVE_REQUESTS, "MCP requests in work.", (contract.LABEL_METHOD,), registry=registry
        )
        self._counts: dict[str, int] = {}
        self.add(CALL_METHOD, 0)  # the autoscaler needs a zero, not a gap, before the first call

    def add(self, method: str, change: int) -> None:
        """Count one request more (1) or less (-1)."""
        if method not in self._counts:
            self._counts[method] = 0
            self._gauge.labels(method).set_function(partial(self._counts.__getitem__, method))
        self._counts[method] += change


class OperationMetrics:
    """SDK middleware that counts and times MCP operations; add it to `MCPServer.middleware`.

    `is_tool` tells registered tool names from invented ones, `tool_count` is read at each scrape.
    `subscriptions/listen` is a stream, not a call: it is neither timed nor counted as in work.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        is_tool: Callable[[str], bool],
        tool_count: Callable[[], int],
        release: str,
    ) -> None:
        self._is_tool = is_tool
        self._overflow = label_overflow(registry)
        self._seconds = BoundedHistogram(
            contract.METRIC_OPERATION_DURATION,
            "Duration of MCP requests and notifications, seconds.",
            (contract.LABEL_METHOD, contract.LABEL_TOOL, contract.LABEL_ERROR, contract.LABEL_PROTOCOL),
            open_label=contract.LABEL_TOOL,
            overflow=self._overflow,
            registry=registry,
        )
        self.in_work = InWork(registry)
        Gauge(contract.METRIC_REGISTERED_TOOLS, "Tools the server offers.", registry=registry).set_function(tool_count)
        versions = Gauge(
            contract.METRIC_INFO, "Versions in use.", (contract.LABEL_RELEASE, "sdk_version"), registry=registry
        )
        versions.labels(release, version("mcp")).set(1)

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Measure one message; the result and every exception pass through unchanged."""
        method, tool, protocol = self._labels(ctx)
        work = work_of(ctx.request)
        complete_server_span(ctx.request, method, tool)
        if method == LISTEN_METHOD:
            return await self._listen(work, ctx, call_next)
        if work is not None:
            work.name(f"{method} {tool}".rstrip())
        error = CANCELLED
        started = perf_counter()
        self.in_work.add(method, 1)
        try:
            result = await call_next(ctx)
            error = result_error(result)
            if method == OPENING_METHOD:
                note_opening(result)
        except Exception as exception:
            error = exception_error(exception)
            raise
        finally:
            self.in_work.add(method, -1)
            self._seconds.observe((method, tool, error, protocol), perf_counter() - started)
        return result

    async def _listen(
        self, work: Work | None, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        if work is not None:
            work.name(LISTEN_METHOD)
            work.become_stream(LISTEN)
        return await call_next(ctx)

    def _labels(self, ctx: ServerRequestContext[Any, Any]) -> tuple[str, str, str]:
        method = self._clamped(contract.LABEL_METHOD, ctx.method, ctx.method in KNOWN_METHODS)
        protocol = ctx.protocol_version
        protocol = self._clamped(contract.LABEL_PROTOCOL, protocol, protocol in KNOWN_PROTOCOL_VERSIONS)
        if method != CALL_METHOD:
            return method, "", protocol
        tool = (ctx.params or {}).get("name")
        known = isinstance(tool, str) and self._is_tool(tool)
        return method, self._clamped(contract.LABEL_TOOL, str(tool), known), protocol

    def _clamped(self, label: str, value: str, known: bool) -> str:
        if known:
            return value
        self._overflow.count(contract.METRIC_OPERATION_DURATION, label)
        return OTHER


def note_opening(result: HandlerResult) -> None:
    """Tell the sessions which revision the result of `initialize` names."""
    match result:
        case mcp_types.InitializeResult(protocol_version=version) | {"protocolVersion": version}:
            note_protocol(version if version in KNOWN_PROTOCOL_VERSIONS else OTHER)


def result_error(result: HandlerResult) -> str:
    """Label for a result: TOOL_ERROR where it says so, else NO_ERROR."""
    match result:
        case mcp_types.CallToolResult(is_error=True) | {"isError": True}:
            return TOOL_ERROR
        case _:
            return NO_ERROR


def exception_error(exception: Exception) -> str:
    """Label for an exception: the JSON-RPC code that the client is going to see, OTHER when it is not a listed one."""
    match exception:
        case MCPError(error=mcp_types.ErrorData(code=code)):
            return str(code) if code in KNOWN_CODES else OTHER
        case ValidationError():
            return str(mcp_types.INVALID_PARAMS)
        case _:
            return str(mcp_types.INTERNAL_ERROR)
