"""Pages drawn into a folder: questions asked of a Prometheus, answers drawn, an HTML page that shows all of them.

In: dashboards, a Prometheus, the moment that counts as now. Out: files.
"""

import html
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any, Final

from bench.dashboards.drawing import Answer, figure_of, named
from bench.dashboards.engine import PagesPrometheus
from bench.dashboards.platform_series import platform_series
from bench.dashboards.questions import EVERYTHING, Question, mark, questions
from bench.dashboards.recorded_series import recorded_series
from bench.dashboards.remote_write import spans
from bench.dashboards.series import Fleet, proxy_series, server_series
from meshed_mcp.components.observability.dashboards.records import Dashboard, Panel, Variable

SMALL: Final = Fleet(servers=4, pods=3, tools=4, namespaces=2)
"""What a reviewer looks at: enough lines to see that there are several."""

MADE_UP_NOW: Final = 1_767_614_400.0
"""5 January 2026, noon UTC: the same data give the same picture, so that a changed picture is a changed page."""

DOTS_PER_INCH: Final = 64
HISTORY_SECONDS: Final = 4000
"""A page's hour, and what its first rate looks back to."""


def fill(prometheus: PagesPrometheus, fleet: Fleet, monitoring: str, now: float) -> None:
    """Write made-up series of `fleet`, until now."""
    series = chain(
        platform_series(fleet, monitoring), recorded_series(fleet), proxy_series(fleet), server_series(fleet)
    )
    prometheus.write(series, now, spans(HISTORY_SECONDS, HISTORY_SECONDS, 0))


def chosen(dashboard: Dashboard, prometheus: PagesPrometheus, now: float) -> dict[str, str]:
    """What stands at the head of a page when it is opened: everything, or the first value of a choice of one."""
    found: dict[str, str] = {}
    for variable in dashboard.variables:
        found[variable.name] = EVERYTHING if variable.several else first_value(variable, found, prometheus, now)
    return found


def first_value(variable: Variable, before: Mapping[str, str], prometheus: PagesPrometheus, now: float) -> str:
    """The first value that a choice offers, by name; "" where it offers none."""
    selector = variable.selector
    for name, value in before.items():
        selector = selector.replace(f"${name}", value)
    answers = prometheus.ask(Question(f"group by ({variable.label}) ({selector})", "", None), now)
    return min((str(each["metric"].get(variable.label, "")) for each in answers), default="")


def answers_of(panel: Panel, choice: Mapping[str, str], prometheus: PagesPrometheus, now: float) -> list[Answer]:
    """What a panel's questions are answered."""
    found: list[Answer] = []
    for question in questions(panel, choice):
        found += [answer(question.legend, each) for each in prometheus.ask(question, now)]
    return found


def answer(legend: str, series: dict[str, Any]) -> Answer:
    """One series as it is drawn."""
    times, values = zip(*((float(time), float(value)) for time, value in series["values"]), strict=True)
    return named(legend, series["metric"]), list(times), list(values)


def write(dashboards: list[Dashboard], prometheus: PagesPrometheus, now: float, folder: Path) -> list[Path]:
    """Draw every page; the files, the HTML page first."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures: list[Path] = []
    for dashboard in dashboards:
        choice = chosen(dashboard, prometheus, now)
        answers = [answers_of(panel, choice, prometheus, now) for panel in dashboard.panels]
        marks = [
            min(times) for _, times, _ in (answer("", each) for each in prometheus.ask(mark(dashboard, choice), now))
        ]
        picture = folder / f"{dashboard.uid.value}.png"
        figure_of(dashboard, answers, marks).savefig(picture, dpi=DOTS_PER_INCH, pil_kwargs={"optimize": True})
        pictures.append(picture)
    index = folder / "index.html"
    index.write_text(page(dashboards), encoding="utf-8")
    return [index, *pictures]


def page(dashboards: list[Dashboard]) -> str:
    """The HTML page: each picture under its title, with what its panels say about themselves."""
    parts = ["<!doctype html><meta charset=utf-8><title>Dashboards</title>"]
    for dashboard in dashboards:
        rows = "".join(
            f"<dt>{html.escape(panel.title)}</dt><dd>{html.escape(panel.description)}</dd>"
            for panel in dashboard.panels
        )
        parts.append(
            f"<h2>{html.escape(dashboard.title)}</h2><p>{html.escape(dashboard.description)}</p>"
            f'<img src="{dashboard.uid.value}.png" alt="{html.escape(dashboard.title)}">'
            f"<details><summary>Panels</summary><dl>{rows}</dl></details>"
        )
    return "\n".join(parts) + "\n"
