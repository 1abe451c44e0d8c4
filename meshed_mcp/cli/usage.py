"""Command `meshed-mcp usage`: exports tool calls by organization and tool as CSV or Parquet, without users."""

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
from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.components.observability.prometheus.recording_rules import DASHBOARD_SECONDS
from meshed_mcp.components.promql.usage import exported_usage
from meshed_mcp.error_codes import cli as codes

console = Console(highlight=False, soft_wrap=True)

MAX_INTERVALS: Final = 10_000
"""Most intervals of an export; each is a query."""


class Row(NamedTuple):
    """Calls of one tool by one organization in one interval; the fields are the columns of the file."""

    begin: str
    end: str
    namespace: str
    service: str
    organization: str
    tool: str
    calls: int


def usage_command(
    prometheus: Annotated[str, typer.Option("--prometheus", help="URL of Prometheus.")],
    begin: Annotated[str, typer.Option("--from", help="Start: 2026-11-01, or 2026-11-01T08:00 (UTC).")],
    end: Annotated[str, typer.Option("--to", help="End, exclusive, in the format of --from.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write: .csv or .parquet.")],
    hours: Annotated[int, typer.Option("--hours", min=1, max=24 * 31, help="Length of an interval.")] = 24,
) -> None:
    """Export tool calls by organization, tool and interval, without users."""
    first, last = parsed_time("--from", begin), parsed_time("--to", end)
    if not first < last:
        raise ConfigurationError.single("--to", codes.END_BEFORE_BEGIN.message(end=end, begin=begin))
    if (last - first) / timedelta(hours=hours) > MAX_INTERVALS:
        raise ConfigurationError.single("--hours", codes.TOO_MANY_PARTS.message(hours=hours, most=MAX_INTERVALS))
    write = writer(out)
    with contextlib.closing(Prometheus(prometheus)) as source:
        rows = [
            row for interval in intervals(first, last, timedelta(hours=hours)) for row in rows_of(source, *interval)
        ]
    write(out, rows)
    console.print(f"{len(rows)} rows, {sum(row.calls for row in rows)} calls in {out}")


def parsed_time(option: str, text: str) -> datetime:
    """An ISO 8601 time in UTC. Raises ConfigurationError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError.single(option, codes.INVALID_MOMENT.message(text=text)) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def intervals(first: datetime, last: datetime, length: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """Consecutive intervals of `length`; the last may be shorter."""
    while first < last:
        yield first, min(first + length, last)
        first += length


def rows_of(source: Prometheus, begin: datetime, end: datetime) -> list[Row]:
    """Rows of one interval, sorted."""
    window = f"{int((end - begin).total_seconds())}s"
    labels = ("namespace", contract.LABEL_SERVER, contract.LABEL_ORGANIZATION, contract.LABEL_TOOL)
    found = source.values(exported_usage(window, DASHBOARD_SECONDS), end.timestamp())
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
            raise ConfigurationError.single("--out", codes.UNKNOWN_FILE_TYPE.message(out=out))


def write_csv(out: Path, rows: list[Row]) -> None:
    """Write rows as CSV with a header."""
    with out.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(Row._fields)
        lines.writerows(rows)


def parquet_writer() -> Write:
    """Writer of Parquet files. Raises ConfigurationError without pyarrow."""
    try:
        arrow, parquet = (importlib.import_module(name) for name in ("pyarrow", "pyarrow.parquet"))  # an extra, large
    except ModuleNotFoundError:
        raise ConfigurationError.single("--out", codes.PYARROW_MISSING.message()) from None

    def write(out: Path, rows: list[Row]) -> None:
        columns = {name: [getattr(row, name) for row in rows] for name in Row._fields}
        parquet.write_table(arrow.table(columns), out)

    return write
