"""PromQL of the load of a server over all its pods, recorded every 5 s for the dashboards.

Without recording rules, a dashboard of an hour would read each gauge of each pod 720 times. Expressions over all
servers read the runtime's gauges, and the sidecars' of servers without the runtime.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from meshed_mcp import contract
from meshed_mcp.components.promql import selectors, sidecar
from meshed_mcp.components.promql.selectors import BY_SERVER

LOAD_SECONDS: Final = 5
"""Interval of the recording rules: the scrape interval of servers, so that no peak is lost."""

IN_FLIGHT: Final = "server:mcp_in_flight:sum"
"""Recorded in-flight and queued requests, per server."""

QUEUED: Final = "server:mcp_waiting:sum"
"""Recorded queued requests, per server."""

SATURATION: Final = "server:mcp_busy_places:ratio"
"""Recorded ratio of concurrency slots in use, 0..1, per server."""

REPLICAS_UP: Final = "server:mcp_replicas_answering:sum"
"""Recorded replicas up, per server."""

SESSIONS: Final = "server:mcp_sessions:sum"
"""Recorded open sessions of clients up to 2025-11-25, per server."""

IN_FLIGHT_GAUGES: Final = f"{contract.METRIC_ACTIVE_REQUESTS}|{contract.METRIC_QUEUE_DEPTH}"


def in_flight_of_all(matchers: str = "") -> str:
    """In-flight and queued requests of every selected server, with the runtime or without; each is of one kind."""
    more = f",{matchers}" if matchers else ""
    return f'sum {BY_SERVER} ({{__name__=~"{IN_FLIGHT_GAUGES}"{more}}}) or {sidecar.in_flight_by(BY_SERVER, matchers)}'


def in_flight_of_pods(select: str) -> str:
    """In-flight and queued requests of the selected pods of one server, with the runtime or without."""
    return f"{selectors.in_flight(select)} or {sidecar.in_flight(select)}"


RULES: Final = {
    IN_FLIGHT: in_flight_of_all(),
    QUEUED: f"sum {BY_SERVER} ({contract.METRIC_QUEUE_DEPTH})",
    SATURATION: f"sum {BY_SERVER} ({contract.METRIC_ACTIVE_REQUESTS}) / "
    f"sum {BY_SERVER} ({contract.METRIC_CONCURRENCY_LIMIT})",
    REPLICAS_UP: f"sum {BY_SERVER} (up{{{selectors.SERVER_TARGETS}}})",
    SESSIONS: f"sum {BY_SERVER} ({contract.METRIC_ACTIVE_SESSIONS})",
}
"""Recorded series -> its expression over the pods' own series."""


def recorded_load(name: str, select: str) -> str:
    """A recorded series of this module, per server."""
    how = "max" if name == SATURATION else "sum"
    return f"{how} by ({contract.LABEL_SERVER}) ({name}{{{select}}})"


class InFlight(NamedTuple):
    """Expressions of the in-flight requests of selected pods."""

    total: Callable[[str], str]
    by_server: Callable[[str], str]
    held: Callable[[str], str]
    """For the autoscaler: the recent peak, corrected for pods that report nothing."""


RUNTIME: Final = InFlight(selectors.in_flight, selectors.in_flight_by_server, selectors.held_in_flight)
SIDECAR: Final = InFlight(sidecar.in_flight, sidecar.in_flight_by_server, sidecar.held_in_flight)


def in_flight(*, has_runtime: bool) -> InFlight:
    """The expressions of a server with the runtime, or of one that only its sidecar measures."""
    return RUNTIME if has_runtime else SIDECAR
