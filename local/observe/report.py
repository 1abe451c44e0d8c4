"""Report after the start: a table with a row per service, and the summary lines. Pure."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.table import Table

from meshed_mcp.local.verification import Latency, Rejections, Row

NOTHING: Final = "-"
"""Shown without a number."""


def table(rows: Sequence[Row]) -> Table:
    """Measurements of every service; latencies in milliseconds."""
    shown = Table()
    shown.add_column("service", no_wrap=True)
    for heading in ("replicas", "tools", "calls", "direct ms\np50 / p99", "mesh ms\np50 / p99"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        counts = (row.replicas, row.tools, row.calls)
        latencies = (_latency(row.direct), _latency(row.mesh))
        shown.add_row(row.service, *map(_count, counts), *latencies)
    return shown


def summary_lines(rows: Sequence[Row], rejections: Rejections, not_run: Sequence[str], logs: Path) -> list[str]:
    """URLs of clients, rejections, objects that do not run, folder of the logs."""
    kinds = sorted({name.split(" ", 1)[0] for name in not_run})
    inside = [row.service for row in rows if row.connect is None]
    return [
        *(f"connect a client to {row.connect}" for row in rows if row.connect is not None),
        *([f"inside the mesh only: {', '.join(inside)}"] if inside else []),
        _rejected(rejections),
        f"not run: {len(not_run)} objects ({', '.join(kinds)})" if not_run else "every rendered object runs",
        f"logs: {logs}",
    ]


def _rejected(found: Rejections) -> str:
    callers = (
        f"{found.callers} of {found.callers} calls of unauthorized callers" if found.callers else "no caller to try"
    )
    return f"rejected: {callers}; plaintext by {found.plaintext} of {found.plaintext} strict replicas"


def _latency(measured: Latency | None) -> str:
    return NOTHING if measured is None else f"{measured.p50_ms:.1f} / {measured.p99_ms:.1f}"


def _count(number: int | None) -> str:
    return NOTHING if number is None else str(number)
