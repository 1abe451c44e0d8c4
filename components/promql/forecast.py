"""PromQL of the load forecast: names and expressions of its recording rules.

A forecast is the maximum of the load of earlier days and weeks at that time of day, scaled to today's level, and of the
recent peak (the envelope). It is based on demand, not on served calls: served calls saturate, and an outage would lower
the forecast.
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.promql import load

DEMAND: Final = "mcp:load:demand"
"""In-flight and queued requests, per server."""

MEAN_5M: Final = "mcp:load:avg5m"
MEAN_1H: Final = "mcp:load:avg1h"
SEASONAL: Final = "mcp:load:seasonal"
"""Load of an earlier day around the forecast time, one series per label `lag`."""

FORECAST: Final = "mcp:load:forecast"
ERROR: Final = "mcp:forecast:error"
"""Forecast minus actual load; above 0 the forecast was too high."""

WAPE: Final = "mcp:forecast:wape1d"
"""Mean absolute error of a day, as a ratio of the day's mean load."""

UNDERFORECAST: Final = "mcp:forecast:underforecast_ratio1d"
TRUSTED: Final = "mcp:load:forecast_trusted"
"""The forecast while it is trusted, else absent. The only series that an autoscaler reads."""

DAYS: Final = (1, 2, 3, 4, 5, 6, 7, 14)
"""Days back that the forecast reads; 7 and 14 are the weekly pattern."""

WEEKS: Final = "7d|14d"
HISTORY_HOURS: Final = 14 * 24 + 1
"""Age of the oldest sample that the forecast reads: two weeks and the hour of the mean."""

MIN_LAGS: Final = 3
"""Earlier days that a trusted forecast needs."""

SMOOTHING_MINUTES: Final = 5
"""Length of the mean that a forecast is based on, and so its resolution."""

MIN_LEVEL: Final = 0.5
MAX_LEVEL: Final = 2
"""Bounds of the scaling to today's level."""

BY: Final = f"namespace, {contract.LABEL_SERVER}"


def demand(namespace: str, servers: list[str]) -> str:
    """In-flight and queued requests of each of `servers`."""
    return load.in_flight_of_all(f'namespace="{namespace}",{contract.LABEL_SERVER}=~"{"|".join(servers)}"')


def mean(window: str) -> str:
    """Mean demand over `window`."""
    return f"avg_over_time({DEMAND}[{window}])"


def window_minutes(horizon_minutes: int) -> int:
    """Length of the forecast window: the horizon and the smoothing before it."""
    return horizon_minutes + SMOOTHING_MINUTES


def seasonal(days: int, horizon_minutes: int) -> str:
    """Peak within the horizon `days` ago, scaled to today's level."""
    offset = days * 24 * 60 - horizon_minutes
    level = f"clamp({MEAN_1H} / ({MEAN_1H} offset {days}d), {MIN_LEVEL}, {MAX_LEVEL})"
    return f"max_over_time({MEAN_5M}[{window_minutes(horizon_minutes)}m] offset {offset}m) * {level}"


def forecast(horizon_minutes: int) -> str:
    """Maximum of the daily median, the weekly median and the recent peak."""
    daily = f'quantile by ({BY}) (0.5, {SEASONAL}{{lag=~"[1-7]d"}})'
    weekly = f'quantile by ({BY}) (0.5, {SEASONAL}{{lag=~"{WEEKS}"}})'
    envelope = f"max_over_time({MEAN_5M}[{window_minutes(horizon_minutes)}m])"
    parts = {"daily": daily, "weekly": weekly, "envelope": envelope}
    labeled = [f'label_replace({text}, "part", "{part}", "", "")' for part, text in parts.items()]
    return f"max by ({BY}) ({' or '.join(labeled)})"


def error(horizon_minutes: int) -> str:
    """Forecast made for now, minus the peak since."""
    return f"({FORECAST} offset {horizon_minutes}m) - max_over_time({MEAN_5M}[{horizon_minutes}m])"


def absolute_error() -> str:
    """Mean absolute error of a day, as a ratio of the day's mean load."""
    return f"avg_over_time(abs({ERROR})[1d:5m]) / avg_over_time({MEAN_5M}[1d])"


def underforecast() -> str:
    """Ratio of a day in which the load was above the forecast."""
    return f"avg_over_time(({ERROR} < bool 0)[1d:5m])"


def trusted(max_error: float) -> str:
    """The forecast, while its error of a day is below `max_error` (a ratio) and MIN_LAGS earlier days are known."""
    known = f"count by ({BY}) ({SEASONAL}) >= {MIN_LAGS}"
    return f"{FORECAST} and on ({BY}) ({WAPE} < {max_error:g}) and on ({BY}) ({known})"


def trusted_forecast(namespace: str, server: str) -> str:
    """Trusted forecast of one server, as an autoscaler reads it; absent if not trusted."""
    return f'sum({TRUSTED}{{namespace="{namespace}",{contract.LABEL_SERVER}="{server}"}})'
