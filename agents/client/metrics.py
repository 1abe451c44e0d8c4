"""Durations of what this process asks of other servers, one measurement per request that was sent.

In: a `CollectorRegistry`, requests and how they end. Out: `mcp_client_operation_duration_seconds` per request, and
`mcp_client_destination_errors_total` per call that failed. A call that is sent again is measured again. Tools are
labels only once the peer has listed them. Source: OpenTelemetry MCP conventions, `mcp.client.operation.duration`.
Not here: what servers measure (telemetry.py).
"""

from asyncio import CancelledError
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Final
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

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

_counters: Final[WeakKeyDictionary[CollectorRegistry, Counter]] = WeakKeyDictionary()
_histograms: Final[WeakKeyDictionary[CollectorRegistry, BoundedHistogram]] = WeakKeyDictionary()


class Request:
    """One request that is under way; `result` is what came back."""

    result: HandlerResult = None


class ClientMetrics:
    """What one client measures; all clients of a registry share its histogram, and without one nobody sees it."""

    def __init__(self, registry: CollectorRegistry | None, target: str) -> None:
        registry = CollectorRegistry() if registry is None else registry
        self._address = address(target)
        self._seconds = _histogram(registry)
        self._overflow = label_overflow(registry)
        self._errors = _errors(registry)
        self._tools: frozenset[str] = frozenset()

    def listed(self, tools: Iterable[str]) -> None:
        """Note the tools that the peer says it has."""
        self._tools = frozenset(tools)

    def failed(self, reason: Reason) -> None:
        """Count a call that ended without a result of the peer's tool."""
        self._errors.labels(self._address, reason).inc()

    @contextmanager
    def request(self, method: str, tool: str = "") -> Iterator[Request]:
        """Measure the block, which sends one request and sets its `result`; a deadline that passes is a time-out."""
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
            self._seconds.observe((method, self._known(tool), error, self._address), perf_counter() - started)

    def _known(self, tool: str) -> str:
        if not tool or tool in self._tools:
            return tool
        self._overflow.count(contract.METRIC_CLIENT_DURATION, contract.LABEL_TOOL)
        return OTHER


def address(target: str) -> str:
    """Label of a peer: the host of a URL, a registry's name as it is."""
    return (urlsplit(target).hostname or OTHER) if "://" in target else target


def _errors(registry: CollectorRegistry) -> Counter:
    found = _counters.get(registry)
    if found is None:
        found = _counters[registry] = Counter(
            contract.METRIC_DESTINATION_ERRORS,
            "Calls of other MCP servers that failed.",
            (contract.LABEL_ADDRESS, "reason"),
            registry=registry,
        )
    return found


def _histogram(registry: CollectorRegistry) -> BoundedHistogram:
    found = _histograms.get(registry)
    if found is None:
        found = _histograms[registry] = BoundedHistogram(
            contract.METRIC_CLIENT_DURATION,
            "Duration of requests to other MCP servers, seconds.",
            (contract.LABEL_METHOD, contract.LABEL_TOOL, contract.LABEL_ERROR, contract.LABEL_ADDRESS),
            open_label=contract.LABEL_TOOL,
            overflow=label_overflow(registry),
            registry=registry,
        )
    return found
