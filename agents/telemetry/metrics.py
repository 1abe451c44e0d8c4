"""SDK middleware that measures MCP operations, and the metrics registry of the process."""

from collections.abc import Callable, Iterator
from importlib.metadata import version
from time import perf_counter
from typing import Any, Final

import mcp_types
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import methods
from mcp_types.version import KNOWN_PROTOCOL_VERSIONS
from prometheus_client import CollectorRegistry, Gauge, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.metrics_core import Metric
from pydantic import ValidationError

from meshed_mcp import contract
from meshed_mcp.agents.http import request_context
from meshed_mcp.agents.http.limits import LISTEN_METHOD
from meshed_mcp.agents.http.request_context import LISTEN
from meshed_mcp.agents.http.sessions import note_protocol
from meshed_mcp.agents.telemetry.instruments import OTHER, BoundedHistogram, LabeledChildren, label_overflow
from meshed_mcp.agents.telemetry.propagation import complete_server_span

NO_ERROR: Final = ""  # Prometheus treats an empty label as none: `error_type=""` selects the successful calls
TOOL_ERROR: Final = "tool_error"  # Source: OpenTelemetry MCP conventions, `error.type` of a result with `isError: true`
CANCELLED: Final = "cancelled"
"""The client disconnected or cancelled, or the grace period ended. No response was sent, so there is no code."""

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
"""Source: MCP 2026-07-28, "Error Codes", and the product's FORBIDDEN."""


class ServiceRegistry(CollectorRegistry):
    """Registry without the unused `_created` series, one for each label set.

    `prometheus_client.disable_created_metrics()` would remove them from every registry of the user's process.
    """

    def collect(self) -> Iterator[Metric]:
        """Yield every metric without its `_created` samples."""
        for metric in super().collect():
            created = f"{metric.name}_created"
            if metric.type in CUMULATIVE and any(sample.name == created for sample in metric.samples):
                metric.samples = [sample for sample in metric.samples if sample.name != created]
            yield metric


def process_registry() -> CollectorRegistry:
    """Return a registry with the metrics of memory, CPU, file descriptors and garbage collector."""
    registry = ServiceRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


class OperationMetrics:
    """SDK middleware that counts and times MCP operations; add it to `MCPServer.middleware`.

    `is_tool`: whether a tool of this name is registered. `tool_count` is read at each scrape. `subscriptions/listen` is
    a stream, not a call: it is neither timed nor counted as in flight.
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
            "Duration of MCP requests and notifications in seconds.",
            (contract.LABEL_METHOD, contract.LABEL_TOOL, contract.LABEL_ERROR, contract.LABEL_PROTOCOL),
            open_label=contract.LABEL_TOOL,
            registry=registry,
        )
        labels = (contract.LABEL_METHOD,)
        self._in_flight = LabeledChildren(
            Gauge(contract.METRIC_ACTIVE_REQUESTS, "In-flight MCP requests.", labels, registry=registry)
        )
        self._in_flight[CALL_METHOD,].set(0)  # the autoscaler needs a zero before the first call
        Gauge(contract.METRIC_REGISTERED_TOOLS, "Registered tools.", registry=registry).set_function(tool_count)
        versions = Gauge(
            contract.METRIC_INFO,
            "Versions of the service and the SDK.",
            (contract.LABEL_RELEASE, "sdk_version"),
            registry=registry,
        )
        versions.labels(release, version("mcp")).set(1)

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Measure one message; the result and every exception pass through unchanged."""
        method, tool, protocol = self._labels(ctx)
        context = request_context.from_request(ctx.request)
        complete_server_span(ctx.request, method, tool)
        if context is not None:
            context.operation = f"{method} {tool}".rstrip()
        if method == LISTEN_METHOD:
            if context is not None:
                context.stream = LISTEN
            return await call_next(ctx)
        error = CANCELLED
        started = perf_counter()
        self._in_flight[method,].inc()
        try:
            result = await call_next(ctx)
            error = result_error(result)
            if method == OPENING_METHOD:
                note_negotiated_protocol(result)
        except Exception as exception:
            error = exception_error(exception)
            raise
        finally:
            self._in_flight[method,].dec()
            self._seconds.observe((method, tool, error, protocol), perf_counter() - started)
        return result

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
        """Return a name known before the call, or OTHER: callers cannot add series."""
        if known:
            return value
        self._overflow.labels(contract.METRIC_OPERATION_DURATION, label).inc()
        return OTHER


def note_negotiated_protocol(result: HandlerResult) -> None:
    """Record the revision in the result of `initialize` for the session metrics."""
    match result:
        case mcp_types.InitializeResult(protocol_version=version) | {"protocolVersion": version}:
            note_protocol(version if version in KNOWN_PROTOCOL_VERSIONS else OTHER)


def result_error(result: HandlerResult) -> str:
    """Return the error label of a result: TOOL_ERROR or NO_ERROR."""
    match result:
        case mcp_types.CallToolResult(is_error=True) | {"isError": True}:
            return TOOL_ERROR
        case _:
            return NO_ERROR


def exception_error(exception: Exception) -> str:
    """Return the error label of an exception: the JSON-RPC code that the client gets, OTHER if it is unknown."""
    match exception:
        case MCPError(error=mcp_types.ErrorData(code=code)):
            return str(code) if code in KNOWN_CODES else OTHER
        case ValidationError():
            return str(mcp_types.INVALID_PARAMS)
        case _:
            return str(mcp_types.INTERNAL_ERROR)
