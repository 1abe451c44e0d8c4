"""What Grafana asks for a page: every query of every panel, with its macros and variables filled in.

In: dashboards as records, what is chosen at their head. Out: `Question`s with their times. Source: Grafana, "Global
variables" and "Prometheus query editor".
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from meshed_mcp.components.observability.dashboards.classic import MARK_SECONDS, releases
from meshed_mcp.components.observability.dashboards.records import Dashboard, Kind, Panel, Query

PAGE_SECONDS: Final = 3600
"""What a page of ours shows when it is opened: an hour."""

SCRAPES_PER_RATE: Final = 4
"""Scrapes in `$__rate_interval`. Source: Grafana, Prometheus data source."""

EVERYTHING: Final = ".+"


class Question(NamedTuple):
    """One query as it is sent: over the whole time in steps, or at its end (`step` None)."""

    expression: str
    legend: str
    step: int | None


def questions(panel: Panel, chosen: Mapping[str, str]) -> list[Question]:
    """What one panel asks."""
    return [question(query, panel, chosen) for query in panel.queries]


def question(query: Query, panel: Panel, chosen: Mapping[str, str]) -> Question:
    """One query; a panel of an hour is drawn in steps of its scrape interval."""
    step = panel.scrape_seconds if panel.kind is Kind.LINES else None
    return Question(filled(query.expression, panel.scrape_seconds, chosen), query.legend, step)


def mark(dashboard: Dashboard, chosen: Mapping[str, str]) -> Question:
    """What the marks of releases ask."""
    return Question(filled(releases(dashboard)["target"]["expr"], MARK_SECONDS, chosen), "", MARK_SECONDS)


def all_questions(dashboard: Dashboard, chosen: Mapping[str, str]) -> Iterator[tuple[str, Question]]:
    """Everything that opening a page asks, by the panel's title."""
    for panel in dashboard.panels:
        for each in questions(panel, chosen):
            yield panel.title, each
    yield "Releases", mark(dashboard, chosen)


def filled(expression: str, scrape_seconds: int, chosen: Mapping[str, str]) -> str:
    """The expression as Prometheus gets it."""
    macros = {
        "$__range_s": str(PAGE_SECONDS),
        "$__range": f"{PAGE_SECONDS}s",
        "$__rate_interval": f"{scrape_seconds * SCRAPES_PER_RATE}s",
    }
    for name, value in (macros | {f"${name}": value for name, value in chosen.items()}).items():
        expression = expression.replace(name, value)
    return expression
