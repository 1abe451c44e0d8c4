"""Simulated scaling: outcomes of a load, and the verdict on the forecast."""

from typing import Any

import pytest

from meshed_mcp.components.autoscaling.args import ForecastSettings, ScalingSettings
from meshed_mcp.components.autoscaling.forecast.model import DAY, forecast
from meshed_mcp.components.autoscaling.forecast.policy_comparison import Comparison, compare, verdict
from meshed_mcp.components.autoscaling.forecast.simulation import Service, simulate

HORIZON = 10


def service(ready_seconds: float = 30, **settings: Any) -> Service:
    """A service with a capacity of 10 requests per replica and a target of 7."""
    raw = {"min_replicas": 1, "max_replicas": 100, **settings}
    return Service(ScalingSettings.model_validate(raw), 10, ready_seconds)


def test_load_within_capacity_is_never_late() -> None:
    """Requirement SCL-10: no second is overloaded while the replicas can serve the load."""
    outcome = simulate(service(), [7.0] * 40)
    assert (outcome.overloaded_seconds, outcome.unserved_share, set(outcome.sizes)) == (0, 0, {1})
    assert outcome.replica_hours == 40 * 15 / 3600


def test_step_overloads_until_the_new_replicas_are_ready() -> None:
    """Requirement SCL-10: the next sync decides, replicas are ready one start later, then the queue drains."""
    fast, slow = (simulate(service(seconds), [7.0] * 4 + [70.0] * 40) for seconds in (30, 180))
    assert fast.overloaded_seconds < slow.overloaded_seconds
    assert slow.overloaded_seconds >= 180
    assert fast.unserved_share < slow.unserved_share < 1


def test_forecast_before_a_step_prevents_the_overload() -> None:
    """Requirement SCL-5: with scheduled bursts, a forecast brings overloaded seconds to 0."""
    load = [7.0] * 60 + [70.0] * 40
    said = [None] * 30 + [70.0] * 70
    assert simulate(service(180), load, said).overloaded_seconds == 0
    assert simulate(service(180), load).overloaded_seconds > 0


def test_wrong_forecast_never_removes_replicas() -> None:
    """KEDA: of several triggers the largest counts."""
    load = [70.0] * 60
    assert simulate(service(), load, [0.0] * 60).sizes == simulate(service(), load).sizes


def test_times_without_data_are_not_counted() -> None:
    """Requirement SCL-11: missing measurements are not a load of zero."""
    load = [70.0] * 20 + [None] * 2000 + [70.0] * 20
    outcome = simulate(service(), load)
    assert outcome.sizes[20] == outcome.sizes[2019] == 10
    assert outcome.replica_hours == simulate(service(), [70.0] * 40).replica_hours


def burst_day(minute: int = 540, minutes: int = 30) -> list[float]:
    """A day of 10 that is 40 for half an hour at nine."""
    return [10.0] * minute + [40.0] * minutes + [10.0] * (DAY - minute - minutes)


def test_simulation_forecasts_a_daily_burst_on_day_nine_and_not_on_day_one() -> None:
    """Requirement SCL-5: the forecast is 40 two minutes before a daily 4x burst, as in the rules."""
    said = forecast(burst_day() * 10, HORIZON, 0.4)
    before = 9 * DAY + 538
    assert (said.values[before], said.trusted[before]) == (40, 40)
    assert said.values[before - 60] == 10
    assert said.trusted[:DAY] == [None] * DAY


def test_two_days_of_history_are_too_few_to_be_trusted() -> None:
    """Requirement SCL-5: a forecast needs at least three earlier days."""
    said = forecast(burst_day() * 4, HORIZON, 0.4)
    assert set(said.trusted[: 3 * DAY]) == {None}
    assert said.trusted[3 * DAY + 100] is not None


def compared(load: list[float], ready_seconds: float = 180) -> Comparison:
    """The four policies on a load per minute."""
    return compare(service(ready_seconds), load, ForecastSettings())


@pytest.mark.slow
def test_forecast_pays_off_for_scheduled_bursts() -> None:
    """Requirement SCL-5: overloaded seconds fall to 0, which no lower target reaches at equal cost."""
    found = compared(burst_day() * 9)
    worth, text = verdict(found)
    assert worth
    assert text.startswith("worth it: overloaded for ")
    assert found.predicted.overloaded_seconds < found.equal_cost.overloaded_seconds
    assert found.predicted.overloaded_seconds <= found.reactive.overloaded_seconds * 4 / 9


@pytest.mark.slow
def test_control_policy_costs_at_least_as_much() -> None:
    """Requirement SCL-5: the control has at least the cost of the forecast, so the comparison is fair."""
    found = compared(burst_day() * 9)
    assert found.equal_cost.replica_hours >= found.predicted.replica_hours
    assert found.equal_cost_target < service().in_flight_per_replica


@pytest.mark.slow
def test_forecast_does_not_pay_off_for_smooth_load() -> None:
    """Requirement SCL-5: with smooth load, reactive scaling alone is nearly perfect."""
    worth, text = verdict(compared([10.0] * DAY * 5))
    assert not worth
    assert text == "not worth it: reactive scaling alone is overloaded for 0 s a day"


@pytest.mark.slow
def test_forecast_stays_off_for_load_without_a_rhythm() -> None:
    """Requirement SCL-5: a large forecast error over a day keeps the forecast off."""
    worth, text = verdict(compared(([5.0] * 410 + [200.0] * 10) * 24))
    assert not worth
    assert text == "not worth it: the error threshold kept the forecast off for all but 0% of the time"
