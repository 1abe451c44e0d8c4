"""Queries that Grafana sends for a dashboard, with macros and variables replaced.

Source: Grafana, "Global variables" and "Prometheus query editor".
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from meshed_mcp.components.observability.dashboards.classic import ANNOTATION_SECONDS, release_annotations
from meshed_mcp.components.observability.dashboards.records import Dashboard, Kind, Panel

RANGE_SECONDS: Final = 3600
"""Initial time range of our dashboards."""

SCRAPES_PER_RATE: Final = 4
"""Scrapes in `$__rate_interval`. Source: Grafana, Prometheus data source."""

ALL_VALUES: Final = ".+"


class Request(NamedTuple):
    """One query: a range query in steps, or an instant query at the end of the range (`step` None)."""

    expression: str
    legend: str
    step: int | None


def panel_requests(panel: Panel, values: Mapping[str, str]) -> list[Request]:
    """Queries of one panel; the step of a range of an hour is the scrape interval."""
    step = panel.scrape_seconds if panel.kind is Kind.TIME_SERIES else None
    return [
        Request(expanded(query.expression, panel.scrape_seconds, values), query.legend, step) for query in panel.queries
    ]


def release_request(dashboard: Dashboard, values: Mapping[str, str]) -> Request:
    """Query of the release annotations."""
    expression = release_annotations(dashboard)["target"]["expr"]
    return Request(expanded(expression, ANNOTATION_SECONDS, values), "", ANNOTATION_SECONDS)


def dashboard_requests(dashboard: Dashboard, values: Mapping[str, str]) -> Iterator[tuple[str, Request]]:
    """Title of a panel and query, for all queries of a dashboard."""
    for panel in dashboard.panels:
        for request in panel_requests(panel, values):
            yield panel.title, request
    yield "Releases", release_request(dashboard, values)


def expanded(expression: str, scrape_seconds: int, values: Mapping[str, str]) -> str:
    """The expression with the values of macros and variables."""
    macros = {
        "$__range_s": str(RANGE_SECONDS),
        "$__range": f"{RANGE_SECONDS}s",
        "$__rate_interval": f"{scrape_seconds * SCRAPES_PER_RATE}s",
    }
    for name, value in (macros | {f"${name}": value for name, value in values.items()}).items():
        expression = expression.replace(name, value)
    return expression
