"""A load history from a CSV file: per minute, with everything odd about it reported. Text in, values and notes out.

The first column is a time (ISO 8601), the second a number; a header is expected. Rows need no order. What is unknown
stays unknown: gaps, negative values and outages are never taken for no load.
"""

import csv
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from meshed_mcp.components.core.errors import ConfigIssue, ConfigurationError
from meshed_mcp.error_codes.cli import (
    HISTORY_COLUMNS,
    HISTORY_HEADER,
    HISTORY_LENGTH,
    HISTORY_NOT_CSV,
    HISTORY_TOO_FEW_ROWS,
)
from meshed_mcp.error_codes.code import Message

OUTAGE_MINUTES: Final = 60
"""Zeros for longer than this, in a history that is not zero for most of the time, are an outage: no data."""

MINUTE_SECONDS: Final = 60
LEAST_MINUTES: Final = 60
"""Shorter histories say nothing about scaling."""

MOST_MINUTES: Final = 400 * 24 * 60


COUNTS: Final = frozenset({"requests", "calls", "count"})
"""Second columns that count what came in a row's interval; any other holds calls in work and waiting."""


class History(NamedTuple):
    """Load per minute from `start`; None where nothing is known. `notes` say what was odd and how it was taken."""

    start: datetime
    step_seconds: int
    column: str
    values: list[float | None]
    """Calls per second for counts; the number as it is for every other column."""

    notes: list[str]

    @property
    def counts(self) -> bool:
        """Whether `values` are calls per second."""
        return self.column in COUNTS


def read(path: Path) -> History:
    """The history in a file. Raises ConfigurationError where there is none."""
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            lines = list(csv.reader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _error(path.name, HISTORY_NOT_CSV.message(error=error)) from error
    if not lines or len(lines[0]) < 2:  # noqa: PLR2004 - time and load
        raise _error(path.name, HISTORY_COLUMNS.message())
    if not has_header(lines[0]):
        raise _error(path.name, HISTORY_HEADER.message(row=",".join(lines[0])))
    samples, notes = parsed(lines[1:])
    if len(samples) < 2:  # noqa: PLR2004 - the least that has an interval
        raise _error(path.name, HISTORY_TOO_FEW_ROWS.message(count=len(samples)))
    return history(path.name, lines[0][1].strip().lower(), samples, notes)


def _error(source: str, message: Message) -> ConfigurationError:
    return ConfigurationError([ConfigIssue(source, "", message)])


def parsed(rows: Iterable[list[str]]) -> tuple[dict[datetime, float], list[str]]:
    """Time -> value in order of time, and notes on what was dropped or moved."""
    found: dict[datetime, float] = {}
    odd, last = Counter[str](), None
    for row in rows:
        try:
            time, value = moment(row[0]), float(row[1])
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


def moment(text: str) -> datetime:
    """A time; with an offset, at UTC, so that a change of clocks is neither a gap nor a repetition.

    Raises ValueError for what is none.
    """
    found = datetime.fromisoformat(text.strip())
    return found if found.tzinfo is None else found.astimezone(UTC).replace(tzinfo=None)


def has_header(row: list[str]) -> bool:
    """Whether a first row names its columns."""
    try:
        moment(row[0])
    except ValueError:
        return True
    return False


def history(source: str, column: str, samples: dict[datetime, float], notes: list[str]) -> History:
    """Samples on a grid of minutes; `source` is named in errors. Raises ConfigurationError for too few or too many."""
    times = list(samples)
    steps = Counter(int((later - earlier).total_seconds()) for earlier, later in pairwise(times))
    step = max(1, steps.most_common(1)[0][0])
    minutes = int((times[-1] - times[0]).total_seconds() + step) // MINUTE_SECONDS
    if not LEAST_MINUTES <= minutes <= MOST_MINUTES:
        raise _error(source, HISTORY_LENGTH.message(minutes=minutes, least=LEAST_MINUTES, most=MOST_MINUTES))
    values = on_minutes(samples, times[0], minutes, step, per_second=column in COUNTS)
    gaps = sum(value is None for value in values)
    notes = [*notes, f"{gaps} minutes of gaps: no data"] if gaps else notes
    outage = without_outages(values)
    notes = [*notes, f"{outage} minutes of zeros in a row: an outage, no data"] if outage else notes
    return History(times[0], step, column, values, notes)


def on_minutes(
    samples: dict[datetime, float], start: datetime, minutes: int, step: int, *, per_second: bool
) -> list[float | None]:
    """Mean of the samples in each minute; a longer interval fills all of its minutes."""
    sums, counts = [0.0] * minutes, [0] * minutes
    for time, value in samples.items():
        first = int((time - start) / timedelta(minutes=1))
        for minute in range(first, min(minutes, first + max(1, step // MINUTE_SECONDS))):
            sums[minute] += value / step if per_second else value
            counts[minute] += 1
    return [total / count if count else None for total, count in zip(sums, counts, strict=True)]


def without_outages(values: list[float | None]) -> int:
    """Turn long runs of zeros into "no data" in place; the number of minutes that were."""
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
