"""CSV files of load: values, notes on irregularities, and errors."""

from pathlib import Path

import pytest

from meshed_mcp.components.autoscaling.forecast.load_history import History, read
from meshed_mcp.components.core.errors import ConfigurationError


def rows(minutes: int = 120, value: int = 60) -> list[str]:
    """A row per minute."""
    return [f"2026-03-01T{minute // 60:02}:{minute % 60:02}:00,{value}" for minute in range(minutes)]


def history(folder: Path, lines: list[str], header: str = "minute,requests") -> History:
    """The history of some lines."""
    path = folder / "load.csv"
    path.write_text("\n".join([header, *lines]), encoding="utf-8")
    return read(path)


def test_request_counts_become_calls_per_second_and_other_columns_stay(tmp_path: Path) -> None:
    """Requirement SCL-10: counts per interval become a rate; in-flight requests are a gauge."""
    assert history(tmp_path, rows()).values == [1.0] * 120
    assert history(tmp_path, rows(), "minute,in_flight").values == [60.0] * 120


def test_load_history_is_resampled_to_minutes(tmp_path: Path) -> None:
    """Requirement SCL-10: forecast and simulation work on minutes, whatever the interval of the file."""
    wide = [f"2026-03-01T{hour:02}:{minute:02},300" for hour in range(2) for minute in range(0, 60, 5)]
    assert history(tmp_path, wide).values == [1.0] * 120
    fine = [f"2026-03-01T00:{second // 60:02}:{second % 60:02},{second % 2}" for second in range(3600)]
    assert fine[0].endswith("00:00,0")
    extra = [f"2026-03-01T01:{second // 60:02}:{second % 60:02},{second % 2}" for second in range(600)]
    assert history(tmp_path, [*fine, *extra]).values == [0.5] * 70


ODD: dict[str, tuple[list[str], str]] = {
    "gap": ([*rows()[:40], *rows()[50:]], "10 minutes of gaps: no data"),
    "duplicate": ([*rows(), rows()[7]], "1 times that occur twice: the later row counts"),
    "negative": (["2026-03-01T00:00:00,-3", *rows()[1:]], "1 negative or infinite values: no data"),
    "out of order": ([*rows()[60:], *rows()[:60]], "60 rows out of order: sorted by time"),
    "no number": ([*rows(), "2026-03-01T02:00:00,many"], "1 unreadable rows: no data"),
    "outage": (
        [*rows(720)[:300], *rows(720, 0)[300:400], *rows(720)[400:]],
        "100 minutes of zeros in a row: an outage",
    ),
}


@pytest.mark.parametrize(("lines", "note"), ODD.values(), ids=ODD)
def test_irregular_rows_are_reported_and_not_counted_as_zero_load(tmp_path: Path, lines: list[str], note: str) -> None:
    """Requirement SCL-11: gaps, duplicates, negative and non-monotonic rows of a load file are reported."""
    found = history(tmp_path, lines)
    assert any(text.startswith(note) for text in found.notes)
    assert 0 not in found.values


def test_service_that_is_idle_most_of_the_time_has_no_outage(tmp_path: Path) -> None:
    """Requirement SCL-11: zeros of an idle service are load, not missing data."""
    assert history(tmp_path, [*rows(720, 0)[:600], *rows(720)[600:]]).notes == []


def test_clock_change_is_neither_a_gap_nor_a_duplicate(tmp_path: Path) -> None:
    """ISO 8601: 02:59+02:00 and 02:00+01:00 follow each other, although the clock says the hour twice."""
    summer = [f"2026-10-25T02:{minute:02}:00+02:00,60" for minute in range(60)]
    winter = [f"2026-10-25T02:{minute:02}:00+01:00,120" for minute in range(60)]
    found = history(tmp_path, [*summer, *winter])
    assert (found.values, found.notes) == ([1.0] * 60 + [2.0] * 60, [])


INVALID = {
    "no header": ("\n".join(rows()), "begins with the row 2026-03-01T00:00:00,60; put a header before it, such as"),
    "empty": ("", "has no two columns; use a header such as minute,requests and a row per interval"),
    "one column": ("minute\n2026-03-01", "has no two columns; use a header such as minute,requests"),
    "no rows": ("minute,requests", "has 0 rows with a time and a number; use a row per interval"),
    "short": ("minute,requests\n" + "\n".join(rows(5)), "spans 5 minutes; use at least 60"),
}


@pytest.mark.parametrize(("text", "line"), INVALID.values(), ids=INVALID)
def test_file_without_a_history_is_rejected_in_one_line(tmp_path: Path, text: str, line: str) -> None:
    """Requirement CFG-4: no load file ends in a traceback."""
    path = tmp_path / "load.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        read(path)
    assert str(raised.value.issues[0]).startswith(f"load.csv: {line}")


def test_missing_file_is_rejected_in_one_line(tmp_path: Path) -> None:
    """Requirement CFG-4: a missing file does not end in a traceback."""
    with pytest.raises(ConfigurationError, match=r"load\.csv: cannot be read as CSV"):
        read(tmp_path / "load.csv")
