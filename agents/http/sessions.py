"""Sessions of clients up to 2025-11-25: how many are open, how long they lasted. Later revisions have none.

In: the SDK's session manager. Out: two metrics, exact, because the manager's own table is watched; ended sessions are
collected as garbage (process/gc_tuning.py).
Not here: whether a server keeps sessions at all (service.py), limits (the SDK's `max_sessions`).
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Final

from mcp.server.streamable_http import StreamableHTTPServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from prometheus_client import CollectorRegistry, Gauge, Histogram

from meshed_mcp import contract
from meshed_mcp.agents.process.gc_tuning import collector_of_sessions

NO_ERROR: Final = ""
"""Ended by its client: DELETE."""

IDLE: Final = "timeout"
"""Nobody asked for so long that it was forgotten. Source: OpenTelemetry, `error.type`, example."""

STOPPED: Final = "cancelled"
"""The process ended first."""

CRASHED: Final = "_OTHER"
"""The SDK gave it up after an exception. Source: OpenTelemetry, `error.type`, fallback."""


@dataclass(slots=True)
class Opened:
    """One entry of the table: since when, and the revision once `initialize` has agreed on one."""

    protocol: str = ""
    at: float = field(default_factory=perf_counter)


_opening: ContextVar[Opened | None] = ContextVar("opening", default=None)


def note_protocol(version: str) -> None:
    """Note what `initialize` agreed on, in the request that opens a session; does nothing elsewhere."""
    if (opened := _opening.get()) is not None:
        opened.protocol = version


class SessionTable(dict[str, StreamableHTTPServerTransport]):
    """The manager's table of open sessions, which times how long each entry stays.

    An entry whose `initialize` was refused never became a session, and is not timed.
    """

    def __init__(self, seconds: Histogram, on_end: Callable[[], None]) -> None:
        super().__init__()
        self._seconds = seconds
        self._on_end = on_end
        self._opened: dict[str, Opened] = {}

    def __setitem__(self, session: str, transport: StreamableHTTPServerTransport) -> None:
        self._opened[session] = opened = Opened()
        _opening.set(opened)
        super().__setitem__(session, transport)

    def pop(self, session: str, *default: Any) -> Any:
        """Close one session; the SDK asks more than once."""
        found = super().pop(session, *default)
        if session in self._opened:
            self._end(session, end_of(found))
            self._on_end()
        return found

    def clear(self) -> None:
        """Close all, at the end of the process, whose memory nobody searches any more."""
        super().clear()
        for session in list(self._opened):
            self._end(session, STOPPED)

    def _end(self, session: str, error: str) -> None:
        opened = self._opened.pop(session)
        if opened.protocol:
            self._seconds.labels(opened.protocol, error).observe(perf_counter() - opened.at)


def end_of(transport: StreamableHTTPServerTransport) -> str:
    """Why the session of this transport ends, as a label."""
    if transport.idle_scope is not None and transport.idle_scope.cancel_called:
        return IDLE
    return NO_ERROR if transport.is_terminated else CRASHED


class SessionMetrics:
    """Count and duration of the sessions of every manager that is watched."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._tables: list[SessionTable] = []
        self._seconds = Histogram(
            contract.METRIC_SESSION_DURATION,
            "Duration of sessions of clients up to 2025-11-25, seconds.",
            (contract.LABEL_PROTOCOL, contract.LABEL_ERROR),
            buckets=contract.DURATION_BUCKETS_SECONDS,
            registry=registry,
        )
        Gauge(
            contract.METRIC_ACTIVE_SESSIONS, "Open sessions of clients up to 2025-11-25.", registry=registry
        ).set_function(self._open)
        self._collect = collector_of_sessions(self._open)

    def watch(self, manager: StreamableHTTPSessionManager) -> None:
        """Observe the manager's sessions; call it before the manager runs."""
        table = SessionTable(self._seconds, self._collect)
        manager._server_instances = table  # noqa: SLF001 - the SDK tells nobody of a session's end; tested
        self._tables.append(table)

    def _open(self) -> int:
        return sum(map(len, self._tables))
