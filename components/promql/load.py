"""PromQL of the load of a server over all its pods, recorded every 5 s for the dashboards.

Without recording rules, a dashboard of an hour would read each gauge of each pod 720 times.
"""

from typing import Final

from meshed_mcp import contract
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

RULES: Final = {
    IN_FLIGHT: f'sum {BY_SERVER} ({{__name__=~"{contract.METRIC_ACTIVE_REQUESTS}|{contract.METRIC_QUEUE_DEPTH}"}})',
    QUEUED: f"sum {BY_SERVER} ({contract.METRIC_QUEUE_DEPTH})",
    SATURATION: f"sum {BY_SERVER} ({contract.METRIC_ACTIVE_REQUESTS}) / "
    f"sum {BY_SERVER} ({contract.METRIC_CONCURRENCY_LIMIT})",
    REPLICAS_UP: f'sum {BY_SERVER} (up{{{contract.LABEL_SERVER}!="",container="{contract.CONTAINER_NAME}"}})',
    SESSIONS: f"sum {BY_SERVER} ({contract.METRIC_ACTIVE_SESSIONS})",
}
"""Recorded series -> its expression over the pods' own series."""


def recorded_load(name: str, select: str) -> str:
    """A recorded series of this module, per server."""
    how = "max" if name == SATURATION else "sum"
    return f"{how} by ({contract.LABEL_SERVER}) ({name}{{{select}}})"
