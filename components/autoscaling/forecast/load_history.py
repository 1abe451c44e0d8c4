"""Load history per minute, from a CSV file or a Prometheus, with notes on everything irregular in it.

CSV: a header, a time (ISO 8601) in the first column and a number in the second, in any order. Gaps, negative values and
outages are unknown load, never zero load.
"""

import csv
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.components.promql import forecast
from meshed_mcp.error_codes import cli as codes

OUTAGE_MINUTES: Final = 60
"""Zeros for longer than this are an outage, unless the history is zero for most of the time."""

MINUTE_SECONDS: Final = 60
LEAST_MINUTES: Final = 60
"""Shortest history that a simulation uses."""

MOST_MINUTES: Final = 400 * 24 * 60
COUNTS: Final = frozenset({"requests", "calls", "count"})
"""Headers of second columns with counts per interval; any other column holds in-flight and queued requests."""

STEP_SECONDS: Final = 60
"""Resolution of a history from Prometheus."""

CHUNK_SECONDS: Final = 7 * 24 * 3600
"""Longest range of one query: 10,080 points, below Prometheus' limit of 11,000."""

PROMETHEUS_OPTION: Final = "--prometheus"


class History(NamedTuple):
    """Load per minute from `start`, None for unknown; `notes` describe irregularities and their treatment."""

    start: datetime
    step_seconds: int
    column: str
    values: list[float | None]
    """Calls per second for counts, otherwise the column's numbers."""

    notes: list[str]

    @property
    def counts(self) -> bool:
        """Whether `values` are calls per second."""
        return self.column in COUNTS


def read(path: Path) -> History:
    """The history in a CSV file. Raises ConfigurationError."""
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            lines = list(csv.reader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError.single(path.name, codes.HISTORY_NOT_CSV.message(error=error)) from error
    if not lines or len(lines[0]) < 2:  # noqa: PLR2004 - time and load
        raise ConfigurationError.single(path.name, codes.HISTORY_COLUMNS.message())
    with suppress(ValueError):  # a header begins with no time
        parsed_time(lines[0][0])
        raise ConfigurationError.single(path.name, codes.HISTORY_HEADER.message(row=",".join(lines[0])))
    samples, notes = parsed(lines[1:])
    if len(samples) < 2:  # noqa: PLR2004 - the least that has an interval
        raise ConfigurationError.single(path.name, codes.HISTORY_TOO_FEW_ROWS.message(count=len(samples)))
    return history(path.name, lines[0][1].strip().lower(), samples, notes)


def parsed(rows: Iterable[list[str]]) -> tuple[dict[datetime, float], list[str]]:
    """Time -> value in order of time, and notes on what was dropped or moved."""
    found: dict[datetime, float] = {}
    odd, last = Counter[str](), None
    for row in rows:
        try:
            time, value = parsed_time(row[0]), float(row[1])
        except (ValueError, IndexError):
            odd["unreadable rows: no data"] += 1
            continue
        odd["rows out of order: sorted by time"] += last is not None and time < last
        odd["times that occur twice: the later row counts"] += time in found
        last = time if last is None else max(last, time)
        if 0 <= value < float("inf"):
            found[time] = value
        else:
            odd["negative or infinite values: no data"] += 1
    return dict(sorted(found.items())), [f"{count} {text}" for text, count in odd.items() if count]


def parsed_time(text: str) -> datetime:
    """An ISO 8601 time, in UTC if it has an offset, so that daylight saving makes no gap. Raises ValueError."""
    found = datetime.fromisoformat(text.strip())
    return found if found.tzinfo is None else found.astimezone(UTC).replace(tzinfo=None)


def history(source: str, column: str, samples: dict[datetime, float], notes: list[str]) -> History:
    """Samples on a grid of minutes; errors name `source`. Raises ConfigurationError for too few or too many."""
    times = list(samples)
    steps = Counter(int((later - earlier).total_seconds()) for earlier, later in pairwise(times))
    step = max(1, steps.most_common(1)[0][0])
    minutes = int((times[-1] - times[0]).total_seconds() + step) // MINUTE_SECONDS
    if not LEAST_MINUTES <= minutes <= MOST_MINUTES:
        message = codes.HISTORY_LENGTH.message(minutes=minutes, least=LEAST_MINUTES, most=MOST_MINUTES)
        raise ConfigurationError.single(source, message)
    values = on_minutes(samples, times[0], minutes, step, per_second=column in COUNTS)
    gaps = sum(value is None for value in values)
    notes = [*notes, f"{gaps} minutes of gaps: no data"] if gaps else notes
    outage = without_outages(values)
    notes = [*notes, f"{outage} minutes of zeros in a row: an outage, no data"] if outage else notes
    return History(times[0], step, column, values, notes)


def on_minutes(
    samples: dict[datetime, float], start: datetime, minutes: int, step: int, *, per_second: bool
) -> list[float | None]:
    """Mean of the samples in each minute; a longer interval fills all its minutes."""
    sums, counts = [0.0] * minutes, [0] * minutes
    for time, value in samples.items():
        first = int((time - start) / timedelta(minutes=1))
        for minute in range(first, min(minutes, first + max(1, step // MINUTE_SECONDS))):
            sums[minute] += value / step if per_second else value
            counts[minute] += 1
    return [total / count if count else None for total, count in zip(sums, counts, strict=True)]


def without_outages(values: list[float | None]) -> int:
    """Replace long runs of zeros by None in place; returns the number of minutes replaced."""
    known = [value for value in values if value is not None]
    if sum(value == 0 for value in known) > len(known) / 2:
        return 0
    found, first = 0, 0
    for minute in range(len(values) + 1):
        if minute == len(values) or values[minute] != 0:
            if minute - first > OUTAGE_MINUTES:
                values[first:minute] = [None] * (minute - first)
                found += minute - first
            first = minute + 1
    return found


def demand_query(namespace: str, server: str) -> str:
    """Mean in-flight and queued requests of the minute before."""
    return f"avg_over_time(({forecast.demand(namespace, [server])})[{STEP_SECONDS}s:15s])"


def query_ranges(start: int, end: int) -> Iterable[tuple[int, int]]:
    """Begin and end of each range query (Unix time), one step apart so that no sample comes twice."""
    for begin in range(start, end + 1, CHUNK_SECONDS):
        yield begin, min(end, begin + CHUNK_SECONDS - STEP_SECONDS)


def from_ranges(results: Iterable[list[dict[str, Any]]], service: str) -> History:
    """The history in the results of range queries, in order of time. Raises ConfigurationError if it is too short."""
    pairs = [pair for series in results for each in series for pair in each["values"]]
    rows = [[datetime.fromtimestamp(float(time), UTC).isoformat(), value] for time, value in pairs]
    samples, notes = parsed(rows)
    if len(samples) < LEAST_MINUTES:
        message = codes.HISTORY_TOO_SHORT.message(minutes=len(samples), service=service, least=LEAST_MINUTES)
        raise ConfigurationError.single(PROMETHEUS_OPTION, message)
    return history(PROMETHEUS_OPTION, "in_flight", samples, notes)
