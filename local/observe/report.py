"""The table at the end of a start: one row per service, then what was refused and where things are. Pure."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.table import Table

from meshed_mcp.local.observe.latency import Latency
from meshed_mcp.local.rejections import Refusals
from meshed_mcp.local.verification import Row

NOTHING: Final = "-"
"""Shown where there is no number."""


def table(rows: Sequence[Row]) -> Table:
    """What every service showed; latencies in milliseconds."""
    shown = Table()
    shown.add_column("service", no_wrap=True)
    for heading in ("replicas", "tools", "calls", "direct ms\np50 / p99", "mesh ms\np50 / p99"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        counts = (row.replicas, row.tools, row.calls)
        latencies = (_latency(row.direct), _latency(row.mesh))
        shown.add_row(row.service, *map(_count, counts), *latencies)
    return shown


def closing_lines(rows: Sequence[Row], found: Refusals, not_run: Sequence[str], logs: Path) -> list[str]:
    """Where to connect a client, what was refused, what does not run here, where the logs are."""
    kinds = sorted({name.split(" ", 1)[0] for name in not_run})
    inside = [row.service for row in rows if row.connect is None]
    return [
        *(f"connect a client to {row.connect}" for row in rows if row.connect is not None),
        *([f"inside the mesh only: {', '.join(inside)}"] if inside else []),
        _refused(found),
        f"not run here: {len(not_run)} objects ({', '.join(kinds)})" if not_run else "everything rendered runs here",
        f"logs: {logs}",
    ]


def _refused(found: Refusals) -> str:
    callers = (
        f"{found.callers} of {found.callers} calls of services that are in no list got 403"
        if found.callers
        else "every service may call every other, so no caller was refused"
    )
    return f"refused: {callers}; plaintext by {found.plaintext} of {found.plaintext} strict replicas"


def _latency(measured: Latency | None) -> str:
    return NOTHING if measured is None else f"{measured.p50_ms:.1f} / {measured.p99_ms:.1f}"


def _count(number: int | None) -> str:
    return NOTHING if number is None else str(number)
