"""Metrics of the sessions of clients up to 2025-11-25: open sessions and their duration. Later revisions have none."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Final

from mcp.server.streamable_http import StreamableHTTPServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from prometheus_client import CollectorRegistry, Gauge, Histogram

from meshed_mcp import contract
from meshed_mcp.agents.process.gc_tuning import session_collector

NO_ERROR: Final = ""  # the client ended the session: DELETE
IDLE: Final = "timeout"
"""The session had no request within its idle time-out. Source: OpenTelemetry, `error.type`, example."""

STOPPED: Final = "cancelled"  # the process ended first
CRASHED: Final = "_OTHER"
"""The SDK ended the session after an exception. Source: OpenTelemetry, `error.type`, fallback."""


@dataclass(slots=True)
class OpenSession:
    """Start of a session, and its revision once `initialize` has negotiated one."""

    protocol: str = ""
    at: float = field(default_factory=perf_counter)


_opening: ContextVar[OpenSession | None] = ContextVar("opening", default=None)


def note_protocol(version: str) -> None:
    """Record the revision that `initialize` negotiated, in the request that opens a session; no effect elsewhere."""
    if (opened := _opening.get()) is not None:
        opened.protocol = version


class SessionTable(dict[str, StreamableHTTPServerTransport]):
    """The manager's table of open sessions, which measures how long each entry stays.

    An entry whose `initialize` failed never became a session and is not measured.
    """

    def __init__(self, seconds: Histogram, on_end: Callable[[str], None]) -> None:
        super().__init__()
        self._seconds, self._on_end = seconds, on_end
        self._opened: dict[str, OpenSession] = {}

    def __setitem__(self, session: str, transport: StreamableHTTPServerTransport) -> None:
        self._opened[session] = opened = OpenSession()
        _opening.set(opened)
        super().__setitem__(session, transport)

    def pop(self, session: str, *default: Any) -> Any:
        """Remove one session; the SDK calls it more than once."""
        found = super().pop(session, *default)
        if session in self._opened:
            self._observe(session, end_reason(found))
            self._on_end(session)
        return found

    def clear(self) -> None:
        """Remove all sessions at the end of the process, without a garbage collection."""
        super().clear()
        for session in list(self._opened):
            self._observe(session, STOPPED)

    def _observe(self, session: str, error: str) -> None:
        opened = self._opened.pop(session)
        if opened.protocol:
            self._seconds.labels(opened.protocol, error).observe(perf_counter() - opened.at)


def end_reason(transport: StreamableHTTPServerTransport) -> str:
    """Return the label `error_type` of a session that ends."""
    if transport.idle_scope is not None and transport.idle_scope.cancel_called:
        return IDLE
    return NO_ERROR if transport.is_terminated else CRASHED


class SessionMetrics:
    """Number and duration of the sessions of every observed manager."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._tables: list[SessionTable] = []
        self._seconds = Histogram(
            contract.METRIC_SESSION_DURATION,
            "Duration of sessions of clients up to 2025-11-25 in seconds.",
            (contract.LABEL_PROTOCOL, contract.LABEL_ERROR),
            buckets=contract.DURATION_BUCKETS_SECONDS,
            registry=registry,
        )
        Gauge(
            contract.METRIC_ACTIVE_SESSIONS, "Open sessions of clients up to 2025-11-25.", registry=registry
        ).set_function(self._open_sessions)
        self._collect = session_collector(self._open_sessions)
        self.on_end = list[Callable[[str], None]]()
        """Called with the id of each session that ends before the process does."""

    def observe(self, manager: StreamableHTTPSessionManager) -> None:
        """Observe the manager's sessions; call it before the manager runs."""
        table = SessionTable(self._seconds, self._end)
        manager._server_instances = table  # noqa: SLF001 - the SDK has no event for the end of a session; tested
        self._tables.append(table)

    def is_open(self, session: str) -> bool:
        """Whether a session with this id is open."""
        return any(session in table for table in self._tables)

    def _end(self, session: str) -> None:
        self._collect()
        for notify in self.on_end:
            notify(session)

    def _open_sessions(self) -> int:
        return sum(map(len, self._tables))
