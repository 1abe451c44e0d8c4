"""Draws dashboards by matplotlib, with data, titles, units and thresholds of each panel. Needs the extra `plots`."""

import re
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final

from meshed_mcp.components.core.errors import ConfigIssue, ConfigurationError
from meshed_mcp.components.observability.dashboards.classic import positioned_panels
from meshed_mcp.components.observability.dashboards.records import Dashboard, Kind, Panel, Unit
from meshed_mcp.error_codes.cli import MATPLOTLIB_MISSING

try:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter
except ModuleNotFoundError as error:
    MESSAGE = MATPLOTLIB_MISSING.message()
    raise ConfigurationError([ConfigIssue("--preview", "", MESSAGE)]) from error

SeriesData = tuple[str, list[float], list[float]]
"""Name, times and values of a series."""

COLUMN_INCHES: Final = 0.62
ROW_INCHES: Final = 0.36
DAY_SECONDS: Final = 86_400
HEAD_INCHES: Final = 0.4
LEFT_INCHES, BELOW_INCHES, ABOVE_INCHES = 0.65, 0.3, 0.3
"""Margins of a panel for axis labels and title."""

LEGEND_HEADROOM: Final = 1.3
"""Height of the axis as a multiple of the highest value."""

MAX_LINES: Final = 12
MAX_LEGEND_LINES: Final = 6
COLORS: Final = {"red": "#d62728", "orange": "#ff9830", "green": "#56a64b"}
NAME_CHARACTERS: Final = 44


def figure_of(dashboard: Dashboard, data: list[list[SeriesData]], releases: list[float]) -> Figure:
    """Figure of a dashboard; `data` is by panel, `releases` are Unix times."""
    positions = [each["gridPos"] for each in positioned_panels(dashboard.panels)]
    width, height = 24 * COLUMN_INCHES, max(each["y"] + each["h"] for each in positions) * ROW_INCHES + HEAD_INCHES
    figure = Figure(figsize=(width, height))
    figure.text(0.01, 1 - 0.3 / height, dashboard.title, fontsize=13, fontweight="bold")
    for panel, position, series in zip(dashboard.panels, positions, data, strict=True):
        left, top = position["x"] * COLUMN_INCHES, height - HEAD_INCHES - position["y"] * ROW_INCHES
        wide, high = position["w"] * COLUMN_INCHES, position["h"] * ROW_INCHES
        box = (
            left + LEFT_INCHES,
            top - high + BELOW_INCHES,
            wide - LEFT_INCHES - 0.1,
            high - BELOW_INCHES - ABOVE_INCHES,
        )
        axes = figure.add_axes((box[0] / width, box[1] / height, box[2] / width, box[3] / height))
        draw(axes, panel, series, releases)
    return figure


def draw(axes: Axes, panel: Panel, series: list[SeriesData], releases: list[float]) -> None:
    """Draw one panel."""
    axes.set_title(panel.title, fontsize=9, loc="left")
    axes.tick_params(labelsize=7)
    if not series:
        axes.text(0.5, 0.5, "no data", ha="center", va="center", transform=axes.transAxes, color="gray")
        axes.set_axis_off()
        return
    match panel.kind:
        case Kind.TIME_SERIES:
            draw_lines(axes, panel, series, releases)
        case Kind.BAR_GAUGE:
            draw_bars(axes, panel, series)
        case Kind.STAT:
            text = formatted(series[0][2][-1], panel.unit)
            axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=22, color=color(panel, series[0][2][-1]))
            axes.set_axis_off()


def draw_lines(axes: Axes, panel: Panel, series: list[SeriesData], releases: list[float]) -> None:
    """Draw values over time, the largest series first."""
    largest = sorted(series, key=lambda each: -max(each[2]))[:MAX_LINES]
    for name, times, values in largest:
        axes.plot([days(time) for time in times], values, lw=0.9, label=name[:NAME_CHARACTERS])
    top = max(max(values) for _, _, values in largest)
    for threshold in panel.thresholds:
        if threshold.value <= 2 * top:
            axes.axhline(threshold.value, color=COLORS[threshold.color], ls="--", lw=0.7)
    for release in releases:
        axes.axvline(days(release), color="#1f60c4", lw=0.8, alpha=0.7)
    if panel.axis_min is not None and top > 0:
        axes.set_ylim(panel.axis_min, top * LEGEND_HEADROOM)
    times = [days(time) for _, moments, _ in largest for time in (moments[0], moments[-1])]
    axes.set_xticks([min(times) + (max(times) - min(times)) * part / 4 for part in range(5)])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: clock(value)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: formatted(value, panel.unit)))
    axes.grid(visible=True, lw=0.3)
    axes.legend(
        *(part[:MAX_LEGEND_LINES] for part in axes.get_legend_handles_labels()),
        fontsize=6,
        loc="upper left",
        framealpha=0.6,
        ncols=2,
    )


def days(time: float) -> float:
    """Unix time in days, for which matplotlib finds rounder steps than for seconds."""
    return time / DAY_SECONDS


def clock(time_days: float) -> str:
    """Unix time in days as hours and minutes, UTC."""
    return f"{datetime.fromtimestamp(round(time_days * DAY_SECONDS), UTC):%H:%M}"


def draw_bars(axes: Axes, panel: Panel, series: list[SeriesData]) -> None:
    """Draw the newest values, the largest on top."""
    newest = sorted(((values[-1], name) for name, _, values in series), reverse=True)[:MAX_LINES][::-1]
    values, rows = [value for value, _ in newest], list(range(len(newest)))
    bars = axes.barh(rows, values, color=[color(panel, value) for value in values], alpha=0.6)
    for row, (_, name) in zip(rows, newest, strict=True):
        axes.text(0, row, f" {name[:NAME_CHARACTERS]}", fontsize=7, va="center")
    axes.set_yticks([])
    axes.bar_label(bars, [formatted(value, panel.unit) for value in values], fontsize=6, padding=2)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: formatted(value, panel.unit)))
    axes.margins(x=0.15)


def color(panel: Panel, value: float) -> str:
    """Color of a value by the panel's thresholds."""
    steps = [(float("-inf"), panel.base_color), *panel.thresholds, (float("inf"), "")]
    return next(COLORS[name] for (low, name), (high, _) in pairwise(steps) if low <= value < high)


def formatted(value: float, unit: Unit) -> str:
    """A value with its unit, as Grafana formats it."""
    match unit:
        case Unit.RATIO:
            return f"{value * 100:.3g} %"
        case Unit.BYTES:
            return scaled(value, 1024, ("B", "KiB", "MiB", "GiB", "TiB"))
        case Unit.SECONDS:
            return f"{value * 1000:.3g} ms" if abs(value) < 1 else f"{value:.3g} s"
        case Unit.MILLISECONDS:
            return f"{value:.3g} ms"
        case Unit.PER_SECOND:
            return scaled(value, 1000, ("/s", "K/s", "M/s"))
        case Unit.CORES:
            return f"{value:.3g} cores"
        case _:
            return scaled(value, 1000, ("", "K", "M"))


def scaled(value: float, base: int, names: tuple[str, ...]) -> str:
    """A value in the largest unit that is not above it."""
    power = 0
    while abs(value) >= base and power < len(names) - 1:
        value, power = value / base, power + 1
    return f"{value:.3g} {names[power]}".rstrip()


def legend_text(legend: str, labels: dict[str, Any]) -> str:
    """A legend with the values of its labels for `{{label}}`."""
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: str(labels.get(found[1], "")), legend).strip()
