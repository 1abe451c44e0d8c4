"""Writes a picture of each dashboard and an HTML index into a folder, with data of a Prometheus."""

import html
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any, Final

from bench.dashboards.drawing import SeriesData, figure_of, legend_text
from bench.dashboards.engine import PreviewPrometheus
from bench.dashboards.platform_series import platform_series
from bench.dashboards.recorded_series import recorded_series
from bench.dashboards.remote_write import spans
from bench.dashboards.requests import ALL_VALUES, Request, panel_requests, release_request
from bench.dashboards.series import Fleet, proxy_series, server_series
from meshed_mcp.components.observability.dashboards.records import Dashboard, Panel, Variable

SMALL_FLEET: Final = Fleet(servers=4, pods=3, tools=4, namespaces=2)

SAMPLE_TIME: Final = 1_767_614_400.0
"""5 January 2026, noon UTC: fixed, so that a picture changes only with its dashboard."""

DOTS_PER_INCH: Final = 64
HISTORY_SECONDS: Final = 4000
"""The hour that a dashboard shows, and the window of its first rate."""


def write_series(prometheus: PreviewPrometheus, fleet: Fleet, monitoring: str, now: float) -> None:
    """Write synthetic series of `fleet`, until `now`."""
    series = chain(
        platform_series(fleet, monitoring), recorded_series(fleet), proxy_series(fleet), server_series(fleet)
    )
    prometheus.write(series, now, spans(HISTORY_SECONDS, HISTORY_SECONDS, 0))


def variable_values(dashboard: Dashboard, prometheus: PreviewPrometheus, now: float) -> dict[str, str]:
    """Initial values of the dashboard's variables: all, or the first value."""
    found: dict[str, str] = {}
    for variable in dashboard.variables:
        found[variable.name] = ALL_VALUES if variable.multi else first_value(variable, found, prometheus, now)
    return found


def first_value(variable: Variable, before: Mapping[str, str], prometheus: PreviewPrometheus, now: float) -> str:
    """The first value of a variable in alphabetical order, "" without values."""
    selector = variable.selector
    for name, value in before.items():
        selector = selector.replace(f"${name}", value)
    series = prometheus.send(Request(f"group by ({variable.label}) ({selector})", "", None), now)
    return min((str(each["metric"].get(variable.label, "")) for each in series), default="")


def panel_data(panel: Panel, values: Mapping[str, str], prometheus: PreviewPrometheus, now: float) -> list[SeriesData]:
    """Data of all queries of a panel."""
    found: list[SeriesData] = []
    for request in panel_requests(panel, values):
        found += [series_data(request.legend, each) for each in prometheus.send(request, now)]
    return found


def series_data(legend: str, series: dict[str, Any]) -> SeriesData:
    """One series of a response, with its legend."""
    times, values = zip(*((float(time), float(value)) for time, value in series["values"]), strict=True)
    return legend_text(legend, series["metric"]), list(times), list(values)


def write_pictures(dashboards: list[Dashboard], prometheus: PreviewPrometheus, now: float, folder: Path) -> list[Path]:
    """Draw all dashboards; returns the files, the index first."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures: list[Path] = []
    for dashboard in dashboards:
        values = variable_values(dashboard, prometheus, now)
        data = [panel_data(panel, values, prometheus, now) for panel in dashboard.panels]
        marked = prometheus.send(release_request(dashboard, values), now)
        releases = [min(times) for _, times, _ in (series_data("", each) for each in marked)]
        picture = folder / f"{dashboard.uid.value}.png"
        figure_of(dashboard, data, releases).savefig(picture, dpi=DOTS_PER_INCH, pil_kwargs={"optimize": True})
        pictures.append(picture)
    index = folder / "index.html"
    index.write_text(index_html(dashboards), encoding="utf-8")
    return [index, *pictures]


def index_html(dashboards: list[Dashboard]) -> str:
    """HTML page with each picture and the descriptions of its panels."""
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
