"""Comparison of four scaling policies on one history: reactive, forecast, reactive at equal cost, and a control.

Equal cost is reactive scaling whose lower target uses as many replica-hours as the forecast. The control is the
forecast of another time of day: its gain is headroom, not foresight.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from meshed_mcp.components.autoscaling.forecast.args import ForecastSettings
from meshed_mcp.components.autoscaling.forecast.model import Forecast, Series, forecast
from meshed_mcp.components.autoscaling.forecast.simulation import Outcome, Service, simulate
from meshed_mcp.components.autoscaling.hpa.algorithm import SYNC_SECONDS

TICKS_PER_MINUTE: Final = 60 // SYNC_SECONDS
CONTROL_MINUTES: Final = 12 * 60
"""Time shift of the control."""

EQUAL_COST_RUNS: Final = 8
"""Bisections for the target of equal cost: a precision of 0.3 %."""

LEAST_TRUSTED_SHARE: Final = 0.1
TOLERATED_SECONDS_PER_DAY: Final = 60
LEAST_GAIN: Final = 0.2
"""Product rule: a forecast must save a fifth of the overloaded time of each alternative, and more than a minute a day
must be overloaded."""

MOST_CONTROL_COST: Final = 1.05
"""A control that costs more than this multiple of the forecast is no alternative: it buys its headroom."""


class Comparison(NamedTuple):
    """The four outcomes, the forecast, and the length of the history."""

    reactive: Outcome
    predicted: Outcome
    equal_cost: Outcome
    control: Outcome
    equal_cost_target: float
    """In-flight requests per replica of the policy of equal cost."""

    forecast: Forecast
    trusted_share: float
    """Share of the time in which the forecast was used, 0..1."""

    days: float


def compare(service: Service, load: Series, settings: ForecastSettings, evaluated_from: int = 0) -> Comparison:
    """Run the four policies over `load`, in-flight and queued requests per minute.

    Minutes before `evaluated_from` only train the forecast.
    """
    predictions = forecast(load, settings.horizon_minutes, settings.trusted_error_percent / 100)
    evaluated = [*[None] * evaluated_from, *load[evaluated_from:]]
    ticks = per_sync(evaluated)
    reactive = simulate(service, ticks)
    predicted = simulate(service, ticks, per_sync(predictions.trusted))
    shifted = [None] * CONTROL_MINUTES + predictions.trusted[: max(0, len(load) - CONTROL_MINUTES)]
    control = simulate(service, ticks, per_sync(shifted[: len(load)]))
    target, equal = equal_cost(service, ticks, reactive, predicted)
    known = sum(value is not None for value in evaluated)
    share = sum(value is not None for value in predictions.trusted[evaluated_from:]) / max(1, known)
    return Comparison(reactive, predicted, equal, control, target, predictions, share, known / (24 * 60))


def per_sync(values: Sequence[float | None]) -> list[float | None]:
    """Values per minute as values per sync."""
    return [value for value in values for _ in range(TICKS_PER_MINUTE)]


def equal_cost(
    service: Service, ticks: Sequence[float | None], reactive: Outcome, predicted: Outcome
) -> tuple[float, Outcome]:
    """Target and outcome of reactive scaling that uses at least as many replica-hours as `predicted`."""
    low, high, best = 0.2, 1.0, reactive
    if predicted.replica_hours <= reactive.replica_hours:
        return service.in_flight_per_replica, reactive
    found = high
    for _ in range(EQUAL_COST_RUNS):
        share = (low + high) / 2
        outcome = simulate(service._replace(target_share=service.target_share * share), ticks)
        if outcome.replica_hours >= predicted.replica_hours:
            low, found, best = share, share, outcome
        else:
            high = share
    return service.in_flight_per_replica * found, best


def verdict(found: Comparison) -> tuple[bool, str]:
    """Whether the forecast is worth its cost, and the reason."""
    gain = found.predicted.overloaded_seconds
    cost = found.predicted.replica_hours / found.reactive.replica_hours - 1 if found.reactive.replica_hours else 0.0
    if found.trusted_share < LEAST_TRUSTED_SHARE:
        share = f"{found.trusted_share:.0%}"
        return False, f"not worth it: the error threshold kept the forecast off for all but {share} of the time"
    if found.reactive.overloaded_seconds <= TOLERATED_SECONDS_PER_DAY * found.days:
        overloaded = found.reactive.overloaded_seconds / found.days
        return False, f"not worth it: reactive scaling alone is overloaded for {overloaded:.0f} s a day"
    alternatives = {"a lower target at equal cost": found.equal_cost.overloaded_seconds}
    if found.control.replica_hours <= MOST_CONTROL_COST * found.predicted.replica_hours:
        alternatives["a forecast of the wrong time of day"] = found.control.overloaded_seconds
    for name, seconds in alternatives.items():
        if gain > (1 - LEAST_GAIN) * seconds:
            message = f"{name} is overloaded for {seconds} s, the forecast for {gain} s"
            return False, f"not worth it: {message}: what helps is headroom, so lower the target"
    return True, (
        f"worth it: overloaded for {gain} s instead of {found.reactive.overloaded_seconds} s, for {cost:+.1%} "
        f"replica-hours; a lower target at that cost leaves {found.equal_cost.overloaded_seconds} s"
    )
