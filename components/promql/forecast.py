"""PromQL of the forecast of load: what recording rules record, and the names that scalers and panels read.

Horizons and days in, PromQL text out. A forecast is the larger of what earlier days and weeks had at that time of day,
scaled to today's level, and of the recent peak (the envelope). Demand counts, not served calls: what is served
saturates, and would teach the forecast an outage. Not here: the rules made of it (`autoscaling/forecast/rules.py`).
"""

from typing import Final

from meshed_mcp import contract

DEMAND: Final = "mcp:load:demand"
"""Calls in work and waiting, per server."""

MEAN_5M: Final = "mcp:load:avg5m"
MEAN_1H: Final = "mcp:load:avg1h"
SEASONAL: Final = "mcp:load:seasonal"
"""One series per label `lag`: the load of an earlier day around the time that is forecast."""

FORECAST: Final = "mcp:load:forecast"
ERROR: Final = "mcp:forecast:error"
"""Forecast less what came: above 0 is too much."""

WAPE: Final = "mcp:forecast:wape1d"
"""Mean absolute error of a day, as a share of the day's mean load."""

UNDERFORECAST: Final = "mcp:forecast:underforecast_ratio1d"
TRUSTED: Final = "mcp:load:forecast_trusted"
"""The forecast while it may be trusted; absent = no opinion. The only series that an autoscaler reads."""

DAYS: Final = (1, 2, 3, 4, 5, 6, 7, 14)
"""Days back that are looked at; a week and two of them are the weekly pattern."""

WEEKS: Final = "7d|14d"
HISTORY_HOURS: Final = 14 * 24 + 1
"""Age of the oldest sample that is read: two weeks, and the hour of the level then."""

LEAST_LAGS: Final = 3
"""Earlier days without which there is no forecast."""

SMOOTHING_MINUTES: Final = 5
"""Length of the mean behind a forecast: what is forecast is known no finer."""

LEAST_LEVEL: Final = 0.5
MOST_LEVEL: Final = 2
"""Bounds of the scaling to today's level; beyond them, today is another kind of day."""

BY: Final = f"namespace, {contract.LABEL_SERVER}"


def demand(namespace: str, servers: list[str]) -> str:
    """Calls in work and waiting of each of `servers`."""
    names = f'__name__=~"{contract.METRIC_ACTIVE_REQUESTS}|{contract.METRIC_QUEUE_DEPTH}"'
    return f'sum by ({BY}) ({{{names},namespace="{namespace}",{contract.LABEL_SERVER}=~"{"|".join(servers)}"}})'


def mean(window: str) -> str:
    """Mean demand over `window`."""
    return f"avg_over_time({DEMAND}[{window}])"


def window_minutes(horizon_minutes: int) -> int:
    """Length of the window whose peak is forecast: up to the horizon, and the smoothing before it."""
    return horizon_minutes + SMOOTHING_MINUTES


def seasonal(days: int, horizon_minutes: int) -> str:
    """The peak that `days` ago came within the horizon, at today's level."""
    offset = days * 24 * 60 - horizon_minutes
    level = f"clamp({MEAN_1H} / ({MEAN_1H} offset {days}d), {LEAST_LEVEL}, {MOST_LEVEL})"
    return f"max_over_time({MEAN_5M}[{window_minutes(horizon_minutes)}m] offset {offset}m) * {level}"


def forecast(horizon_minutes: int) -> str:
    """The largest of the days' median, the weeks' median and the recent peak."""
    daily = f'quantile by ({BY}) (0.5, {SEASONAL}{{lag=~"[1-7]d"}})'
    weekly = f'quantile by ({BY}) (0.5, {SEASONAL}{{lag=~"{WEEKS}"}})'
    envelope = f"max_over_time({MEAN_5M}[{window_minutes(horizon_minutes)}m])"
    parts = {"daily": daily, "weekly": weekly, "envelope": envelope}
    labeled = [f'label_replace({text}, "part", "{part}", "", "")' for part, text in parts.items()]
    return f"max by ({BY}) ({' or '.join(labeled)})"


def error(horizon_minutes: int) -> str:
    """What was forecast for now, less the peak since it was."""
    return f"({FORECAST} offset {horizon_minutes}m) - max_over_time({MEAN_5M}[{horizon_minutes}m])"


def absolute_error() -> str:
    """Mean absolute error of a day, as a share of the day's mean load."""
    return f"avg_over_time(abs({ERROR})[1d:5m]) / avg_over_time({MEAN_5M}[1d])"


def underforecast() -> str:
    """Share of a day in which more came than was forecast."""
    return f"avg_over_time(({ERROR} < bool 0)[1d:5m])"


def trusted(most_error: float) -> str:
    """The forecast, while its error of a day is below `most_error` (a share) and enough earlier days are known."""
    known = f"count by ({BY}) ({SEASONAL}) >= {LEAST_LAGS}"
    return f"{FORECAST} and on ({BY}) ({WAPE} < {most_error:g}) and on ({BY}) ({known})"


def trusted_forecast(namespace: str, server: str) -> str:
    """What an autoscaler reads: one number, or nothing."""
    return f'sum({TRUSTED}{{namespace="{namespace}",{contract.LABEL_SERVER}="{server}"}})'
