"""Client metrics: durations of requests (OpenTelemetry, `mcp.client.operation.duration`) and failed calls."""

from asyncio import CancelledError
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from time import perf_counter
from typing import Final
from urllib.parse import urlsplit

import anyio
from mcp.server.context import HandlerResult
from mcp_types import REQUEST_TIMEOUT
from prometheus_client import CollectorRegistry, Counter

from meshed_mcp import contract
from meshed_mcp.agents.client.errors import Reason
from meshed_mcp.agents.telemetry.instruments import OTHER, BoundedHistogram, label_overflow
from meshed_mcp.agents.telemetry.metrics import CANCELLED, exception_error, result_error

CALL: Final = "tools/call"
LIST: Final = "tools/list"

_NOT_EXPORTED: Final = CollectorRegistry()  # of all clients without a registry


class Request:
    """A request in flight and its result."""

    result: HandlerResult = None


class ClientMetrics:
    """Metrics of one client. All clients of a registry share its instruments; without one they are not exported."""

    def __init__(self, registry: CollectorRegistry | None, target: str) -> None:
        registry = _NOT_EXPORTED if registry is None else registry
        self._address = peer_address(target)
        self._seconds, self._errors = _instruments(registry)
        self._overflow = label_overflow(registry)
        self._tools: frozenset[str] = frozenset()

    def set_known_tools(self, tools: Iterable[str]) -> None:
        """Set the tools that can be label values: those that the server lists."""
        self._tools = frozenset(tools)

    def count_failure(self, reason: Reason) -> None:
        """Count a failed call."""
        self._errors.labels(self._address, reason).inc()

    @contextmanager
    def request(self, method: str, tool: str = "") -> Iterator[Request]:
        """Time the block, which sends one request and sets its `result`. A missed deadline counts as a timeout."""
        request, error, started = Request(), CANCELLED, perf_counter()
        deadline = anyio.current_effective_deadline()
        try:
            yield request
            error = result_error(request.result)
        except Exception as exception:
            error = exception_error(exception)
            raise
        except CancelledError:
            if anyio.current_time() >= deadline:
                error = str(REQUEST_TIMEOUT)
            raise
        finally:
            self._seconds.observe((method, self._tool_label(tool), error, self._address), perf_counter() - started)

    def _tool_label(self, tool: str) -> str:
        if not tool or tool in self._tools:
            return tool
        self._overflow.labels(contract.METRIC_CLIENT_DURATION, contract.LABEL_TOOL).inc()
        return OTHER


def peer_address(target: str) -> str:
    """Return the `server.address` label: the host of a URL, or the registry name."""
    return (urlsplit(target).hostname or OTHER) if "://" in target else target


@cache
def _instruments(registry: CollectorRegistry) -> tuple[BoundedHistogram, Counter]:
    seconds = BoundedHistogram(
        contract.METRIC_CLIENT_DURATION,
        "Duration of requests to other MCP servers, seconds.",
        (contract.LABEL_METHOD, contract.LABEL_TOOL, contract.LABEL_ERROR, contract.LABEL_ADDRESS),
        open_label=contract.LABEL_TOOL,
        registry=registry,
    )
    text, labels = "Calls of other MCP servers that failed.", (contract.LABEL_ADDRESS, "reason")
    return seconds, Counter(contract.METRIC_DESTINATION_ERRORS, text, labels, registry=registry)
