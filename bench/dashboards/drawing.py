"""Pages as pictures: each panel where Grafana puts it, its answers drawn by matplotlib. Needs the extra `plots`.

In: a dashboard and what its questions were answered. Out: a figure. It shows data, titles, units and thresholds, not
Grafana's looks.
"""

import re
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final

from meshed_mcp.components.core.errors import ConfigIssue, ConfigurationError
from meshed_mcp.components.observability.dashboards.classic import placed
from meshed_mcp.components.observability.dashboards.records import Dashboard, Kind, Panel, Unit
from meshed_mcp.error_codes.cli import MATPLOTLIB_MISSING

try:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter
except ModuleNotFoundError as error:
    MESSAGE = MATPLOTLIB_MISSING.message()
    raise ConfigurationError([ConfigIssue("--preview", "", MESSAGE)]) from error

Answer = tuple[str, list[float], list[float]]
"""Name of a series, its times and its values."""

COLUMN_INCHES: Final = 0.62
ROW_INCHES: Final = 0.36
DAY_SECONDS: Final = 86_400
HEAD_INCHES: Final = 0.4
LEFT_INCHES, BELOW_INCHES, ABOVE_INCHES = 0.65, 0.3, 0.3
"""Room of a panel for its axes' labels and its title."""

ROOM_FOR_NAMES: Final = 1.3
"""Height of a panel, as a multiple of its highest value."""

MOST_LINES: Final = 12
MOST_NAMED: Final = 6
COLORS: Final = {"red": "#d62728", "orange": "#ff9830", "green": "#56a64b"}
NAME_CHARACTERS: Final = 44


def figure_of(dashboard: Dashboard, answers: list[list[Answer]], marks: list[float]) -> Figure:
    """The page; `answers` by panel, `marks`: times of releases."""
    positions = [each["gridPos"] for each in placed(dashboard.panels)]
    width, height = 24 * COLUMN_INCHES, max(place["y"] + place["h"] for place in positions) * ROW_INCHES + HEAD_INCHES
    figure = Figure(figsize=(width, height))
    figure.text(0.01, 1 - 0.3 / height, dashboard.title, fontsize=13, fontweight="bold")
    for panel, place, series in zip(dashboard.panels, positions, answers, strict=True):
        left, top = place["x"] * COLUMN_INCHES, height - HEAD_INCHES - place["y"] * ROW_INCHES
        wide, high = place["w"] * COLUMN_INCHES, place["h"] * ROW_INCHES
        box = (
            left + LEFT_INCHES,
            top - high + BELOW_INCHES,
            wide - LEFT_INCHES - 0.1,
            high - BELOW_INCHES - ABOVE_INCHES,
        )
        axes = figure.add_axes((box[0] / width, box[1] / height, box[2] / width, box[3] / height))
        draw(axes, panel, series, marks)
    return figure


def draw(axes: Axes, panel: Panel, series: list[Answer], marks: list[float]) -> None:
    """One panel."""
    axes.set_title(panel.title, fontsize=9, loc="left")
    axes.tick_params(labelsize=7)
    if not series:
        axes.text(0.5, 0.5, "no data", ha="center", va="center", transform=axes.transAxes, color="gray")
        axes.set_axis_off()
        return
    match panel.kind:
        case Kind.LINES:
            draw_lines(axes, panel, series, marks)
        case Kind.BARS:
            draw_bars(axes, panel, series)
        case Kind.NUMBER:
            text = formatted(series[0][2][-1], panel.unit)
            axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=22, color=color(panel, series[0][2][-1]))
            axes.set_axis_off()


def draw_lines(axes: Axes, panel: Panel, series: list[Answer], marks: list[float]) -> None:
    """Values over time, the largest series first."""
    largest = sorted(series, key=lambda answer: -max(answer[2]))[:MOST_LINES]
    for name, times, values in largest:
        axes.plot([day(time) for time in times], values, lw=0.9, label=name[:NAME_CHARACTERS])
    top = max(max(values) for _, _, values in largest)
    for threshold in panel.thresholds:
        if threshold.value <= 2 * top:
            axes.axhline(threshold.value, color=COLORS[threshold.color], ls="--", lw=0.7)
    for mark in marks:
        axes.axvline(day(mark), color="#1f60c4", lw=0.8, alpha=0.7)
    if panel.lowest is not None and top > 0:
        axes.set_ylim(panel.lowest, top * ROOM_FOR_NAMES)
    times = [day(time) for _, moments, _ in largest for time in (moments[0], moments[-1])]
    axes.set_xticks([min(times) + (max(times) - min(times)) * part / 4 for part in range(5)])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: clock(value)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: formatted(value, panel.unit)))
    axes.grid(visible=True, lw=0.3)
    axes.legend(
        *(part[:MOST_NAMED] for part in axes.get_legend_handles_labels()),
        fontsize=6,
        loc="upper left",
        framealpha=0.6,
        ncols=2,
    )


def day(time: float) -> float:
    """A moment in days, with which an axis finds rounder steps than with seconds."""
    return time / DAY_SECONDS


def clock(days: float) -> str:
    """Such a moment as hours and minutes, UTC."""
    return f"{datetime.fromtimestamp(round(days * DAY_SECONDS), UTC):%H:%M}"


def draw_bars(axes: Axes, panel: Panel, series: list[Answer]) -> None:
    """The newest values, the largest on top."""
    newest = sorted(((values[-1], name) for name, _, values in series), reverse=True)[:MOST_LINES][::-1]
    values, places = [value for value, _ in newest], list(range(len(newest)))
    bars = axes.barh(places, values, color=[color(panel, value) for value in values], alpha=0.6)
    for place, (_, name) in zip(places, newest, strict=True):
        axes.text(0, place, f" {name[:NAME_CHARACTERS]}", fontsize=7, va="center")
    axes.set_yticks([])
    axes.bar_label(bars, [formatted(value, panel.unit) for value in values], fontsize=6, padding=2)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: formatted(value, panel.unit)))
    axes.margins(x=0.15)


def color(panel: Panel, value: float) -> str:
    """Color of a value by the panel's thresholds."""
    steps = [(float("-inf"), panel.below), *panel.thresholds, (float("inf"), "")]
    return next(COLORS[name] for (low, name), (high, _) in pairwise(steps) if low <= value < high)


def formatted(value: float, unit: Unit) -> str:
    """A value with its unit, as Grafana writes it."""
    match unit:
        case Unit.SHARE:
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
    """A value in the largest unit below it."""
    power = 0
    while abs(value) >= base and power < len(names) - 1:
        value, power = value / base, power + 1
    return f"{value:.3g} {names[power]}".rstrip()


def named(legend: str, labels: dict[str, Any]) -> str:
    """The name of a series: `{{label}}` filled in."""
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: str(labels.get(found[1], "")), legend).strip()
