"""`meshed-mcp local top`: a live table of the services of a run, and the firing alerts."""

import math
import time
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from meshed_mcp import contract
from meshed_mcp.cli.prometheus import Prometheus
from meshed_mcp.components.promql import health, load
from meshed_mcp.local.observe.monitoring import firing, line

PAUSE_SECONDS: Final = 2.0
WINDOW: Final = "30s"
"""Six scrapes."""

NOTHING: Final = "-"
FAST_BURN: Final = 14.4
"""Burn rate of the paging alert. Source: `slo.BURNS`, tested against it."""

Server = tuple[str, str]
"""Namespace and name."""


class Column(NamedTuple):
    """One column: heading, PromQL, format, and the value above which it is red."""

    heading: str
    expression: str
    written: Callable[[float], str]
    bad: float | None = None


COLUMNS: Final = (
    Column("replicas", load.RULES[load.REPLICAS_UP], "{:.0f}".format),
    Column("calls/s", health.live_call_rate(WINDOW), "{:.1f}".format),
    Column("p99 ms", health.live_p99_seconds(WINDOW), lambda seconds: f"{seconds * 1000:.0f}"),
    Column("errors", health.live_error_ratio(WINDOW), "{:.1%}".format, 0.005),
    Column("in flight", load.RULES[load.IN_FLIGHT], "{:.0f}".format),
    Column("burn 1h", health.live_burn_rate(), "{:.1f}x".format, FAST_BURN),
)


def numbers(client: Prometheus, now: float) -> dict[Server, dict[str, float]]:
    """Values of every server by heading. Raises ConfigurationError if Prometheus is down."""
    found: dict[Server, dict[str, float]] = {}
    for column in COLUMNS:
        for labels, value in client.values(column.expression, now):
            server = (labels.get("namespace", ""), labels.get(contract.LABEL_SERVER, ""))
            found.setdefault(server, {})[column.heading] = value
    return found


def table(found: dict[Server, dict[str, float]]) -> Table:
    """A row per server, by name."""
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
    """One value."""
    if value is None or math.isnan(value):
        return Text(NOTHING)
    bad = column.bad is not None and value > column.bad
    return Text(column.written(value), style="red" if bad else "")


def alert_lines(alerts: Iterable[dict[str, Any]]) -> Text:
    """One line per alert."""
    lines = sorted(map(line, alerts))
    return Text("\n".join(lines) if lines else "no alert fires", style="red" if lines else "")


def view(client: Prometheus, alerts_url: str | None) -> Group:
    """Table and alerts."""
    return Group(table(numbers(client, time.time())), alert_lines(firing(alerts_url)))


def top(client: Prometheus, alerts_url: str | None, console: Console, *, once: bool) -> None:
    """Show the table once or until Ctrl-C. Raises ConfigurationError if Prometheus is down."""
    if once:
        console.print(view(client, alerts_url))
        return
    with Live(view(client, alerts_url), console=console, auto_refresh=False) as shown:
        try:
            while True:
                time.sleep(PAUSE_SECONDS)
                shown.update(view(client, alerts_url), refresh=True)
        except KeyboardInterrupt:
            return
