"""Sessions of clients up to 2025-11-25: how many are open, how long they lasted. Later revisions have none.

In: the SDK's session manager. Out: two metrics, exact, because the manager's own table is watched; the memory
of ended sessions goes back (heap.py).
Not here: whether a server keeps sessions at all (service.py), limits (the SDK's `max_sessions`).
"""

from collections.abc import Callable
from time import perf_counter
from typing import Any

from mcp.server.streamable_http import StreamableHTTPServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from prometheus_client import CollectorRegistry, Gauge, Histogram

from meshed_mcp import contract
from meshed_mcp.agents.heap import Reclaim


class SessionTable(dict[str, StreamableHTTPServerTransport]):
    """The manager's table of open sessions, which times how long each entry stays."""

    def __init__(self, seconds: Histogram, on_end: Callable[[], None]) -> None:
        super().__init__()
        self._seconds = seconds
        self._on_end = on_end
        self._opened: dict[str, float] = {}

    def __setitem__(self, session: str, transport: StreamableHTTPServerTransport) -> None:
        self._opened[session] = perf_counter()
        super().__setitem__(session, transport)

    def pop(self, session: str, *default: Any) -> Any:
        """Close one session; the SDK asks more than once."""
        opened = self._opened.pop(session, None)
        found = super().pop(session, *default)
        if opened is not None:
            self._seconds.observe(perf_counter() - opened)
            self._on_end()
        return found

    def clear(self) -> None:
        """Close all, at the end of the process."""
        for session in list(self):
            self.pop(session)


class SessionMetrics:
    """Count and duration of the sessions of every manager that is watched."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._tables: list[SessionTable] = []
        self._seconds = Histogram(
            contract.METRIC_SESSION_DURATION,
            "Duration of sessions of clients up to 2025-11-25, seconds.",
            buckets=contract.DURATION_BUCKETS_SECONDS,
            registry=registry,
        )
        Gauge(
            contract.METRIC_ACTIVE_SESSIONS, "Open sessions of clients up to 2025-11-25.", registry=registry
        ).set_function(self._open)
        self._reclaim = Reclaim(self._open)

    def watch(self, manager: StreamableHTTPSessionManager) -> None:
        """Observe the manager's sessions; call it before the manager runs."""
        table = SessionTable(self._seconds, self._reclaim.session_ended)
        manager._server_instances = table  # noqa: SLF001 - the SDK tells nobody of a session's end; tested
        self._tables.append(table)

    def _open(self) -> int:
        return sum(map(len, self._tables))
