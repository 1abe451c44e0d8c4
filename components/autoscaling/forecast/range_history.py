"""A load history from Prometheus: the parts of a range query put together on a grid. Samples in, `History` out.

Not here: asking (`meshed_mcp/cli/backtest.py`), how gaps and outages are taken (`load_history.py`), the query
(`promql/forecast.py`).
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from meshed_mcp.components.autoscaling.forecast.load_history import LEAST_MINUTES, History, history, parsed
from meshed_mcp.components.core.errors import ConfigIssue, ConfigurationError
from meshed_mcp.components.promql import forecast
from meshed_mcp.error_codes.cli import HISTORY_TOO_SHORT

STEP_SECONDS: Final = 60
"""A history is per minute."""

CHUNK_SECONDS: Final = 7 * 24 * 3600
"""Longest part that is asked at once: 10,080 points, below the 11,000 that Prometheus answers with at most."""

COLUMN: Final = "in_flight"
OPTION: Final = "--prometheus"


def query(namespace: str, server: str) -> str:
    """Mean calls in work and waiting of the minute before."""
    demand = forecast.demand(namespace, [server])
    return f"avg_over_time(({demand})[{STEP_SECONDS}s:15s])"


def parts(start: int, end: int) -> Iterable[tuple[int, int]]:
    """Begin and end of each part, seconds, one step apart so that no moment is asked twice."""
    for begin in range(start, end + 1, CHUNK_SECONDS):
        yield begin, min(end, begin + CHUNK_SECONDS - STEP_SECONDS)


def from_ranges(answers: Iterable[list[dict[str, Any]]], service: str) -> History:
    """The history in the answers to the parts, in order of time. Raises ConfigurationError where there is none."""
    pairs = [pair for series in answers for each in series for pair in each["values"]]
    rows = [[datetime.fromtimestamp(float(moment), UTC).isoformat(), value] for moment, value in pairs]
    samples, notes = parsed(rows)
    if len(samples) < LEAST_MINUTES:
        raise ConfigurationError(
            [
                ConfigIssue(
                    OPTION, "", HISTORY_TOO_SHORT.message(minutes=len(samples), service=service, least=LEAST_MINUTES)
                )
            ]
        )
    return history(OPTION, COLUMN, samples, notes)
