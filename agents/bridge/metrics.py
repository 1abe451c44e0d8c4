"""Metrics of the bridge: connections, processes and lines of the upstream, rejected sessions, errors, held calls."""

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

from meshed_mcp import contract

EXITS: Final = ("closed", "killed", "exited", "failed", "signaled", "disconnected", "not_started")
NOT_JSON_RPC: Final = "not_json_rpc"
TOO_LONG: Final = "too_long"
UNREACHABLE: Final = "unreachable"  # no connection, or no process
ENDED: Final = "ended"  # the connection or the process ended during the call
NOT_OPENED: Final = "not_opened"  # the upstream did not complete the handshake
LIMIT: Final = "limit"  # the maximum of processes or sessions
NOT_HELD: Final = "not_held"  # the call that the client resumes is not in this replica
UNAUTHENTICATED: Final = "unauthenticated"  # there is no token for the upstream
ERRORS: Final = (UNREACHABLE, ENDED, NOT_OPENED, LIMIT, NOT_HELD, UNAUTHENTICATED)


class BridgeMetrics:
    """Every series of the bridge; each label value starts at zero."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.starts = Counter(contract.METRIC_UPSTREAM_STARTS, "Started processes.", registry=registry)
        self._exits = Counter(contract.METRIC_UPSTREAM_EXITS, "Ended processes.", ("reason",), registry=registry)
        self._noise = Counter(contract.METRIC_UPSTREAM_NOISE, "Ignored output lines.", ("reason",), registry=registry)
        self._log_lines = Counter(
            contract.METRIC_UPSTREAM_LOG_LINES,
            "Lines on standard error.",
            (contract.LABEL_OUTCOME,),
            registry=registry,
        )
        self.rejected = Counter(contract.METRIC_UPSTREAM_REJECTED, "Rejected sessions.", registry=registry)
        self._errors = Counter(
            contract.METRIC_UPSTREAM_ERRORS, "Calls without a response of the upstream.", ("reason",), registry=registry
        )
        self.processes = Gauge(contract.METRIC_UPSTREAM_PROCESSES, "Upstream processes.", registry=registry)
        self._sessions = Gauge(contract.METRIC_UPSTREAM_SESSIONS, "Upstream connections.", registry=registry)
        self._held = Gauge(contract.METRIC_HELD_CALLS, "Calls that wait for input.", registry=registry)
        self._start_at_zero()

    def _start_at_zero(self) -> None:
        for reason in EXITS:
            self._exits.labels(reason)
        for reason in (NOT_JSON_RPC, TOO_LONG):
            self._noise.labels(reason)
        for outcome in ("written", "dropped"):
            self._log_lines.labels(outcome)
        for reason in ERRORS:
            self._errors.labels(reason)

    def exited(self, reason: str) -> None:
        """Count one ended process; `reason` is one of EXITS."""
        self._exits.labels(reason).inc()

    def noise(self, reason: str) -> None:
        """Count one line of output that is no message."""
        self._noise.labels(reason).inc()

    def log_line(self, *, written: bool) -> None:
        """Count one line on standard error."""
        self._log_lines.labels("written" if written else "dropped").inc()

    def failed(self, reason: str) -> None:
        """Count one call without a response of the upstream; `reason` is one of ERRORS."""
        self._errors.labels(reason).inc()

    def observe(self, *, sessions: Callable[[], int], held: Callable[[], int]) -> None:
        """Read the gauges from the pool and the held calls at each scrape."""
        self._sessions.set_function(sessions)
        self._held.set_function(held)
