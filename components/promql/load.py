"""PromQL of load over all pods of a server: what is recorded each 5 s, and what pages draw of it.

A page of an hour would else read each gauge of each pod 720 times. In: selectors. Out: PromQL text, names of recorded
series. Not here: the scaler's own expression, which reads the pods (`queries.held_in_flight`).
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.promql.selectors import BY_SERVER

LOAD_SECONDS: Final = 5
"""How often it is recorded: as often as servers are scraped, so that no peak is lost."""

IN_FLIGHT: Final = "server:mcp_in_flight:sum"
"""Recorded calls in work and waiting, per server."""

WAITING: Final = "server:mcp_waiting:sum"
"""Recorded calls that wait for a place, per server."""

BUSY: Final = "server:mcp_busy_places:ratio"
"""Recorded part of the places for calls that is taken, 0..1, per server."""

ANSWERING: Final = "server:mcp_replicas_answering:sum"
"""Recorded replicas that answer a scrape, per server."""

SESSIONS: Final = "server:mcp_sessions:sum"
"""Recorded open sessions of clients up to 2025-11-25, per server."""


def in_flight() -> str:
    """Calls in work and waiting, per server, from the pods."""
    return f'sum {BY_SERVER} ({{__name__=~"{contract.METRIC_ACTIVE_REQUESTS}|{contract.METRIC_QUEUE_DEPTH}"}})'


def waiting() -> str:
    """Calls that wait for a place, per server, from the pods."""
    return f"sum {BY_SERVER} ({contract.METRIC_QUEUE_DEPTH})"


def busy_places() -> str:
    """Part of the places for calls that is taken, per server, from the pods."""
    return f"sum {BY_SERVER} ({contract.METRIC_ACTIVE_REQUESTS}) / sum {BY_SERVER} ({contract.METRIC_CALL_PLACES})"


def answering() -> str:
    """Replicas that answer a scrape, per server, from the targets."""
    select = f'{contract.LABEL_SERVER}!="",container="{contract.CONTAINER_NAME}"'
    return f"sum {BY_SERVER} (up{{{select}}})"


def sessions() -> str:
    """Open sessions, per server, from the pods."""
    return f"sum {BY_SERVER} ({contract.METRIC_ACTIVE_SESSIONS})"


def drawn(name: str, select: str) -> str:
    """A recorded series of this module, per server."""
    how = "max" if name == BUSY else "sum"
    return f"{how} by ({contract.LABEL_SERVER}) ({name}{{{select}}})"
