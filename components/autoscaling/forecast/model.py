"""The load forecast of `promql/forecast.py` on a history in memory, for backtests. None is no data."""

from collections import deque
from collections.abc import Sequence
from statistics import median
from typing import Final, NamedTuple

from meshed_mcp.components.promql import forecast as queries
from meshed_mcp.components.promql.forecast import DAYS

Series = Sequence[float | None]
DAY: Final = 24 * 60
HOUR: Final = 60


class Forecast(NamedTuple):
    """Per minute: the forecast, its trusted part, and the error of the last day as a share of the mean load."""

    values: list[float | None]
    trusted: list[float | None]
    error: list[float | None]


def forecast(load: Series, horizon_minutes: int, most_error: float) -> Forecast:
    """Forecast `load` one horizon ahead, and trust it while its error of a day is below `most_error`."""
    smooth, hourly = trailing_mean(load, queries.SMOOTHING_MINUTES), trailing_mean(load, HOUR)
    peak = trailing_peak(smooth, queries.window_minutes(horizon_minutes))
    lags = [seasonal(peak, hourly, days, horizon_minutes) for days in DAYS]
    values = [largest(minute, peak, lags) for minute in range(len(load))]
    error = relative_error(values, smooth, horizon_minutes)
    known = [sum(lag[minute] is not None for lag in lags) for minute in range(len(load))]
    trusted = [
        value if share is not None and share < most_error and count >= queries.MIN_LAGS else None
        for value, share, count in zip(values, error, known, strict=True)
    ]
    return Forecast(values, trusted, error)


def trailing_mean(values: Series, minutes: int) -> list[float | None]:
    """Mean of the known values in the `minutes` up to each one."""
    sums, counts = [0.0], [0]
    for value in values:
        sums.append(sums[-1] + (value or 0.0))
        counts.append(counts[-1] + (value is not None))
    result: list[float | None] = []
    for last in range(1, len(sums)):
        first = max(0, last - minutes)
        count = counts[last] - counts[first]
        result.append((sums[last] - sums[first]) / count if count else None)
    return result


def trailing_peak(values: Series, minutes: int) -> list[float | None]:
    """Largest known value in the `minutes` up to each one."""
    falling: deque[tuple[int, float]] = deque()
    result: list[float | None] = []
    for minute, value in enumerate(values):
        if value is not None:
            while falling and falling[-1][1] <= value:
                falling.pop()
            falling.append((minute, value))
        while falling and falling[0][0] <= minute - minutes:
            falling.popleft()
        result.append(falling[0][1] if falling else None)
    return result


def seasonal(peak: Series, hourly: Series, days: int, horizon_minutes: int) -> list[float | None]:
    """The peak of `days` ago around the forecast time, scaled to today's level."""
    result: list[float | None] = [None] * len(peak)
    for minute in range(days * DAY, len(peak)):
        then, before, now = peak[minute - days * DAY + horizon_minutes], hourly[minute - days * DAY], hourly[minute]
        if then is not None and before and now is not None:
            result[minute] = then * min(max(now / before, queries.MIN_LEVEL), queries.MAX_LEVEL)
    return result


def largest(minute: int, peak: Series, lags: Sequence[Series]) -> float | None:
    """Maximum of the daily median, the weekly median and the recent peak."""
    found = [lag[minute] for lag in lags]
    daily = [value for value, days in zip(found, DAYS, strict=True) if value is not None and days <= DAYS[-2]]
    weekly = [value for value, days in zip(found, DAYS, strict=True) if value is not None and days >= DAYS[-2]]
    parts = [median(part) for part in (daily, weekly) if part]
    recent = peak[minute]
    return max([*parts, *([] if recent is None else [recent])], default=None)


def relative_error(values: Series, smooth: Series, horizon_minutes: int) -> list[float | None]:
    """Mean absolute error of the last day, as a share of the day's mean load."""
    came = trailing_peak(smooth, horizon_minutes)
    errors: list[float | None] = [None] * len(values)
    for minute in range(horizon_minutes, len(values)):
        predicted, actual = values[minute - horizon_minutes], came[minute]
        errors[minute] = None if predicted is None or actual is None else abs(predicted - actual)
    pairs = zip(trailing_mean(errors, DAY), trailing_mean(smooth, DAY), strict=True)
    return [None if error is None or not level else error / level for error, level in pairs]
