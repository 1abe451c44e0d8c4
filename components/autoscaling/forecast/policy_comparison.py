"""Is a forecast worth its cost? Four policies on one history: reactive, forecast, reactive at equal cost, control.

A service and its load per minute in, outcomes and a sentence out. The rivals are honest: equal cost is reactive scaling
whose lower target pays for as many replica-hours as the forecast; the control is the forecast of another time of day,
which shows how much of a gain is headroom and not foresight.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from meshed_mcp.components.autoscaling.forecast.args import ForecastSettings
from meshed_mcp.components.autoscaling.forecast.model import Forecast, Series, forecast
from meshed_mcp.components.autoscaling.forecast.simulation import Outcome, Service, simulate
from meshed_mcp.components.autoscaling.hpa.algorithm import SYNC_SECONDS

TICKS_PER_MINUTE: Final = 60 // SYNC_SECONDS
CONTROL_MINUTES: Final = 12 * 60
"""Shift of the control: the other side of the day."""

EQUAL_COST_RUNS: Final = 8
"""Halvings of the search for the target of equal cost: 0.3 % of the target."""

LEAST_TRUSTED_SHARE: Final = 0.1
CALM_SECONDS_PER_DAY: Final = 60
LEAST_GAIN: Final = 0.2
"""Product rule: a forecast must spare a fifth of the overloaded time of both rivals, or it is headroom by another name;
and an overload of a minute a day is none that needs one."""

MOST_CONTROL_COST: Final = 1.05
"""A control that costs more than this multiple of the forecast is no rival: it buys its headroom."""


class Comparison(NamedTuple):
    """The four outcomes, the forecast, and how long the history is."""

    reactive: Outcome
    predicted: Outcome
    equal_cost: Outcome
    control: Outcome
    equal_cost_target: float
    """Calls per replica of the rival of equal cost."""

    forecast: Forecast
    trusted_share: float
    """Part of the time in which the forecast was used, 0..1."""

    days: float


def compare(service: Service, load: Series, settings: ForecastSettings, judged_from: int = 0) -> Comparison:
    """Run the four policies over `load`, calls in work and waiting per minute.

    Minutes before `judged_from` are history that the forecast learns from: they count in no figure.
    """
    said = forecast(load, settings.horizon_minutes, settings.trusted_error_percent / 100)
    judged = [*[None] * judged_from, *load[judged_from:]]
    ticks = per_sync(judged)
    reactive = simulate(service, ticks)
    predicted = simulate(service, ticks, per_sync(said.trusted))
    shifted = [None] * CONTROL_MINUTES + said.trusted[: max(0, len(load) - CONTROL_MINUTES)]
    control = simulate(service, ticks, per_sync(shifted[: len(load)]))
    target, equal = equal_cost(service, ticks, reactive, predicted)
    known = sum(value is not None for value in judged)
    share = sum(value is not None for value in said.trusted[judged_from:]) / max(1, known)
    return Comparison(reactive, predicted, equal, control, target, said, share, known / (24 * 60))


def per_sync(values: Sequence[float | None]) -> list[float | None]:
    """Values per minute as values per sync."""
    return [value for value in values for _ in range(TICKS_PER_MINUTE)]


def equal_cost(
    service: Service, ticks: Sequence[float | None], reactive: Outcome, predicted: Outcome
) -> tuple[float, Outcome]:
    """Target and outcome of reactive scaling that uses as many replica-hours as `predicted`, at least as many."""
    low, high, best = 0.2, 1.0, reactive
    if predicted.replica_hours <= reactive.replica_hours:
        return service.in_flight_per_replica, reactive
    found = high
    for _ in range(EQUAL_COST_RUNS):
        share = (low + high) / 2
        outcome = simulate_at(service, ticks, share)
        if outcome.replica_hours >= predicted.replica_hours:
            low, found, best = share, share, outcome
        else:
            high = share
    return service.in_flight_per_replica * found, best


def simulate_at(service: Service, ticks: Sequence[float | None], share: float) -> Outcome:
    """Reactive scaling to a `share` of the target, by replicas that bear what they did."""
    return simulate(service._replace(target_share=service.target_share * share), ticks)


def verdict(found: Comparison) -> tuple[bool, str]:
    """Whether prediction is worth its cost, and why in one sentence."""
    gain = found.predicted.overloaded_seconds
    cost = found.predicted.replica_hours / found.reactive.replica_hours - 1 if found.reactive.replica_hours else 0.0
    if found.trusted_share < LEAST_TRUSTED_SHARE:
        share = f"{found.trusted_share:.0%}"
        return False, f"not worth it: the error threshold kept the forecast off for all but {share} of the time"
    if found.reactive.overloaded_seconds <= CALM_SECONDS_PER_DAY * found.days:
        calm = found.reactive.overloaded_seconds / found.days
        return False, f"not worth it: reactive scaling alone is overloaded for {calm:.0f} s a day"
    rivals = {"a lower target at equal cost": found.equal_cost.overloaded_seconds}
    if found.control.replica_hours <= MOST_CONTROL_COST * found.predicted.replica_hours:
        rivals["a forecast of the wrong time of day"] = found.control.overloaded_seconds
    for name, seconds in rivals.items():
        if gain > (1 - LEAST_GAIN) * seconds:
            message = f"{name} is overloaded for {seconds} s, the forecast for {gain} s"
            return False, f"not worth it: {message}: what helps is headroom, so lower the target"
    return True, (
        f"worth it: overloaded for {gain} s instead of {found.reactive.overloaded_seconds} s, for {cost:+.1%} "
        f"replica-hours; a lower target at that cost leaves {found.equal_cost.overloaded_seconds} s"
    )
