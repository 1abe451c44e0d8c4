"""The command `meshed-mcp usage`: who used which tool how often, as a file for analytics. Users are not in it.

A Prometheus, a time and a file name in; calls by organization and tool out, as CSV or Parquet. Not here: what is
counted (`agents/telemetry/usage.py`), what is recorded of it (`components/promql/sli.py`).
"""

import contextlib
import csv
import importlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import typer
from rich.console import Console

from meshed_mcp import contract
from meshed_mcp.cli.prometheus import Prometheus
from meshed_mcp.components.core.errors import ConfigIssue, ConfigurationError
from meshed_mcp.components.observability.prometheus.rules import PAGES_SECONDS
from meshed_mcp.components.promql.usage import exported_usage
from meshed_mcp.error_codes.cli import (
    END_BEFORE_BEGIN,
    INVALID_MOMENT,
    PYARROW_MISSING,
    TOO_MANY_PARTS,
    UNKNOWN_FILE_TYPE,
)

console = Console(highlight=False, soft_wrap=True)

MOST_PARTS: Final = 10_000
"""Parts of the time: each is a query."""


class Row(NamedTuple):
    """Calls of one organization of one tool in one part of the time; the fields are the file's columns."""

    begin: str
    end: str
    namespace: str
    service: str
    organization: str
    tool: str
    calls: int


def usage_command(
    prometheus: Annotated[str, typer.Option("--prometheus", help="URL of Prometheus.")],
    begin: Annotated[str, typer.Option("--from", help="First moment: 2026-11-01, or 2026-11-01T08:00.")],
    end: Annotated[str, typer.Option("--to", help="Last moment, not included; UTC, as --from.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write: .csv or .parquet.")],
    hours: Annotated[int, typer.Option("--hours", min=1, max=24 * 31, help="Length of each part of the time.")] = 24,
) -> None:
    """Write tool calls by organization and tool, a row per part of the time; no user is in it."""
    first, last = moment("--from", begin), moment("--to", end)
    if not first < last:
        raise ConfigurationError([ConfigIssue("--to", "", END_BEFORE_BEGIN.message(end=end, begin=begin))])
    if (last - first) / timedelta(hours=hours) > MOST_PARTS:
        message = TOO_MANY_PARTS.message(hours=hours, most=MOST_PARTS)
        raise ConfigurationError([ConfigIssue("--hours", "", message)])
    write = writer(out)
    with contextlib.closing(Prometheus(prometheus)) as source:
        rows = [row for part in parts(first, last, timedelta(hours=hours)) for row in rows_of(source, *part)]
    write(out, rows)
    console.print(f"{len(rows)} rows, {sum(row.calls for row in rows)} calls in {out}")


def moment(option: str, text: str) -> datetime:
    """A moment in UTC. Raises ConfigurationError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        message = INVALID_MOMENT.message(text=text)
        raise ConfigurationError([ConfigIssue(option, "", message)]) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def parts(first: datetime, last: datetime, length: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """The time in parts; the last may be shorter."""
    while first < last:
        yield first, min(first + length, last)
        first += length


def rows_of(source: Prometheus, begin: datetime, end: datetime) -> list[Row]:
    """Calls of one part, by name."""
    window = f"{int((end - begin).total_seconds())}s"
    labels = ("namespace", contract.LABEL_SERVER, contract.LABEL_ORGANIZATION, contract.LABEL_TOOL)
    found = source.values(exported_usage(window, PAGES_SECONDS), end.timestamp())
    rows = (
        Row._make([begin.isoformat(), end.isoformat(), *(series.get(label, "") for label in labels), round(calls)])
        for series, calls in found
    )
    return sorted(row for row in rows if row.calls)


Write = Callable[[Path, list[Row]], None]


def writer(out: Path) -> Write:
    """How a file of this name is written. Raises ConfigurationError."""
    match out.suffix:
        case ".csv":
            return write_csv
        case ".parquet":
            return parquet_writer()
        case _:
            raise ConfigurationError([ConfigIssue("--out", "", UNKNOWN_FILE_TYPE.message(out=out))])


def write_csv(out: Path, rows: list[Row]) -> None:
    """A line per row below the names of the columns."""
    with out.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(Row._fields)
        lines.writerows(rows)


def parquet_writer() -> Write:
    """The same as Parquet. Raises ConfigurationError where the package is missing, before anything is asked."""
    try:
        arrow, parquet = (importlib.import_module(name) for name in ("pyarrow", "pyarrow.parquet"))  # an extra, large
    except ModuleNotFoundError:
        message = PYARROW_MISSING.message()
        raise ConfigurationError([ConfigIssue("--out", "", message)]) from None

    def write(out: Path, rows: list[Row]) -> None:
        columns = {name: [getattr(row, name) for row in rows] for name in Row._fields}
        parquet.write_table(arrow.table(columns), out)

    return write
