"""`meshed-mcp local top`: a live table of the services of a run, and the alerts that fire.

Numbers of a Prometheus and alerts of an Alertmanager in, a table out, again and again. Not here: the expressions
(`components/promql/live.py`).
"""

import time
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from meshed_mcp import contract
from meshed_mcp.cli.prometheus import Prometheus
from meshed_mcp.components.promql import live
from meshed_mcp.local.observe.monitoring import firing, line

PAUSE_SECONDS: Final = 2.0
WINDOW: Final = "30s"
"""Six scrapes of a server."""

NOTHING: Final = "-"
FAST_BURN: Final = 14.4
"""Times at which somebody is woken. Source: `slo.BURNS`, tested against it."""

Server = tuple[str, str]
"""Namespace and name."""


class Column(NamedTuple):
    """One number of the table: its heading, where it comes from, how it is written, from when on it is bad."""

    heading: str
    expression: str
    written: Callable[[float], str]
    bad: float | None = None


COLUMNS: Final = (
    Column("replicas", live.replicas(), "{:.0f}".format),
    Column("calls/s", live.calls(WINDOW), "{:.1f}".format),
    Column("p99 ms", live.p99(WINDOW), lambda seconds: f"{seconds * 1000:.0f}"),
    Column("errors", live.errors(WINDOW), "{:.1%}".format, 0.005),
    Column("in flight", live.in_flight(), "{:.0f}".format),
    Column("burn 1h", live.burn(), "{:.1f}x".format, FAST_BURN),
)


def numbers(asking: Prometheus, now: float) -> dict[Server, dict[str, float]]:
    """Every server's numbers by heading. Raises ConfigurationError where Prometheus does not answer."""
    found: dict[Server, dict[str, float]] = {}
    for column in COLUMNS:
        for labels, value in asking.values(column.expression, now):
            server = (labels.get("namespace", ""), labels.get(contract.LABEL_SERVER, ""))
            found.setdefault(server, {})[column.heading] = value
    return found


def table(found: dict[Server, dict[str, float]]) -> Table:
    """A row per server, by name; what is bad is red."""
    several = len({namespace for namespace, _ in found}) > 1
    shown = Table(pad_edge=False)  # so that it fits 80 columns
    shown.add_column("service", no_wrap=True)
    for column in COLUMNS:
        shown.add_column(column.heading, justify="right", no_wrap=True)
    for (namespace, name), values in sorted(found.items()):
        cells = (cell(column, values.get(column.heading)) for column in COLUMNS)
        shown.add_row(f"{namespace}/{name}" if several else name, *cells)
    return shown


def cell(column: Column, value: float | None) -> Text:
    """One number."""
    if value is None or value != value:  # noqa: PLR0124 - NaN is the one number that differs from itself
        return Text(NOTHING)
    bad = column.bad is not None and value > column.bad
    return Text(column.written(value), style="red" if bad else "")


def alert_lines(alerts: Iterable[dict[str, Any]]) -> Text:
    """What fires, a line each."""
    lines = sorted(map(line, alerts))
    return Text("\n".join(lines) if lines else "no alert fires", style="red" if lines else "")


def view(asking: Prometheus, alerts_url: str | None) -> Group:
    """Table and alerts of this moment."""
    return Group(table(numbers(asking, time.time())), alert_lines(firing(alerts_url)))


def top(asking: Prometheus, alerts_url: str | None, console: Console, *, once: bool) -> None:
    """Show the table; until Ctrl-C, or `once`. Raises ConfigurationError when Prometheus stops answering."""
    if once:
        console.print(view(asking, alerts_url))
        return
    with Live(view(asking, alerts_url), console=console, auto_refresh=False) as shown:
        try:
            while True:
                time.sleep(PAUSE_SECONDS)
                shown.update(view(asking, alerts_url), refresh=True)
        except KeyboardInterrupt:
            return
