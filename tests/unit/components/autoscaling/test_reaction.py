"""The reaction budget against what was simulated and measured."""

from typing import Any

import pytest

from meshed_mcp.components.autoscaling.args import KedaInstall, ScalingTarget
from meshed_mcp.components.autoscaling.nodes_args import BufferKind
from meshed_mcp.components.autoscaling.reaction import (
    NEW_NODE,
    POD_START,
    PULL,
    Reaction,
    Stage,
    changes,
    decision_stages,
    exceptions,
    growth_seconds,
    pod_ready_seconds,
    quantile,
    ready_p99,
    ready_stages,
)


def reaction(scrape_seconds: int = 5, keda: KedaInstall = KedaInstall.RELEASE, **settings: Any) -> Reaction:
    """A service of one replica with `settings`, and a step to twice the load."""
    target = ScalingTarget.model_validate({"min_replicas": 1, "max_replicas": 40, **settings})
    return Reaction(target, keda, scrape_seconds, 30, 1, factor=2)


SIMULATED = {
    "gauge, scrape 5 s": (reaction(5), (10, 19), (17, 27)),
    "gauge, scrape 15 s": (reaction(15), (15, 28), (22, 36)),
    "gauge, scrape 30 s": (reaction(30), (23, 42), (30, 50)),
    "cpu and memory": (reaction(keda=KedaInstall.NONE), (20, 35), (27, 43)),
}


@pytest.mark.parametrize(("given", "decision", "ready"), SIMULATED.values(), ids=SIMULATED)
def test_the_budget_is_that_of_the_simulation(
    given: Reaction, decision: tuple[int, int], ready: tuple[int, int]
) -> None:
    """Monte Carlo of the same ranges, 400,000 samples: p50 and p99 of decision and ready."""
    decided = decision_stages(given)
    whole = [*decided, *ready_stages(given)]
    assert [quantile(decided, share) for share in (0.5, 0.99)] == pytest.approx(decision, abs=3)
    assert [quantile(whole, share) for share in (0.5, 0.99)] == pytest.approx(ready, abs=3)


def test_the_decision_is_as_fast_as_measured() -> None:
    """Measured with the real HPA controller and KEDA, held query, 4 -> 8: p50 12.0, p90 18.1, max 19.2 (23 steps)."""
    stages = decision_stages(reaction(min_replicas=4))
    assert quantile(stages, 0.5) == pytest.approx(12.0, abs=1.5)
    assert quantile(stages, 0.9) == pytest.approx(18.1, abs=1.5)


def test_the_default_keeps_the_goal_and_only_the_lever_is_faster() -> None:
    """Product goal: a replica serves within 30 s of a step, at p99."""
    given = reaction()._replace(target=ScalingTarget(), factor=4)
    assert ready_p99(given) < 30
    assert [change.text for change in changes(given)] == ["keda.lever: {image: ...}"]
    assert changes(given._replace(lever=True)) == []


def test_the_lever_stands_in_place_of_the_sync_and_of_growth() -> None:
    """Measured: KEDA itself writes a raised minimum at once, past the HPA's period and policies."""
    slow = reaction(min_replicas=4, scale_up={"percent": 50})._replace(factor=4, lever=True)
    names = [stage.name for stage in decision_stages(slow)]
    assert names == ["scrape of the pods", "lever asks, KEDA writes"]
    assert sum(stage.worst_seconds for stage in [*decision_stages(slow), *ready_stages(slow)]) < 30


def test_the_lever_keeps_its_goal_with_a_start_of_five_seconds() -> None:
    """Product goal: ready within 11 s of a step at p99, where a pod takes 5 s; by the rule alone it was 16 s."""
    given = reaction(min_replicas=4, pod_ready_seconds=5)._replace(lever=True)
    assert ready_p99(given) < 11
    assert sum(stage.worst_seconds for stage in [*decision_stages(given), *ready_stages(given)]) < 11
    by_rule = given._replace(live=False)
    assert [stage.name for stage in decision_stages(by_rule)][1] == "rule of the lever"
    assert ready_p99(by_rule) > 11


@pytest.mark.parametrize(
    "settings",
    [
        {"in_flight_per_replica": None},
        {"schedules": [{"start": "0 8 * * *", "end": "0 9 * * *", "timezone": "UTC", "replicas": 4}]},
    ],
    ids=["no calls count", "a floor by schedule"],
)
def test_a_lever_that_does_not_act_is_in_no_sum(settings: dict[str, Any]) -> None:
    """Measured: while a trigger is active KEDA leaves the size to the HPA's sync; what counts no calls has no lever."""
    assert "HPA sync" in [stage.name for stage in decision_stages(reaction(**settings)._replace(lever=True))]


def test_from_zero_keda_looks_itself() -> None:
    """KEDA, `pollingInterval`: below one replica there is no HPA."""
    queue: dict[str, Any] = {"profile": "queue", "min_replicas": 0, "queue": {"query": "sum(jobs)", "per_replica": 1}}
    assert [stage.name for stage in decision_stages(reaction(**queue))] == ["scrape of the queue", "KEDA looks, from 0"]


def test_only_what_the_stack_does_not_prepare_comes_on_top() -> None:
    """Product rule: the budget is of the stack's own settings."""
    assert exceptions(reaction()) == [PULL, NEW_NODE]
    assert exceptions(reaction()._replace(pre_pull=True, buffer=BufferKind.PAUSE)) == []


def test_slow_growth_takes_further_periods() -> None:
    """Measured: 4 -> 16 took 23 s with 100 % per 15 s and 10 s with 900 %, at the median."""
    assert growth_seconds(ScalingTarget(min_replicas=4, max_replicas=40), 4) == 0
    slow = ScalingTarget.model_validate({"min_replicas": 4, "max_replicas": 40, "scale_up": {"percent": 100}})
    assert growth_seconds(slow, 4) == 15


def test_growth_ends_at_the_maximum() -> None:
    """Kubernetes: no policy goes above maxReplicas, so no period is waited for beyond it."""
    slow = ScalingTarget.model_validate({"min_replicas": 4, "max_replicas": 8, "scale_up": {"percent": 100}})
    assert growth_seconds(slow, 10) == 0


def test_what_costs_most_is_named_first() -> None:
    """Product rule: each change is tried alone, and its p99 said."""
    found = changes(reaction(scale_up={"stabilization_seconds": 60, "percent": 50}, min_replicas=2))
    expected = ["keda.lever: {image: ...}", "scale_up.stabilization_seconds: 0", "scale_up.percent: 900"]
    assert [change.text for change in found] == expected
    assert found[0].ready_p99_seconds < found[1].ready_p99_seconds < found[2].ready_p99_seconds


def test_a_service_by_cpu_alone_is_told_to_count_calls() -> None:
    """Reference: the path by CPU takes 43 s at p99, the gauge 27 s."""
    (change,) = changes(reaction(in_flight_per_replica=None))
    assert change.text.startswith("in_flight_per_replica: 28")


def test_a_measured_start_replaces_the_assumed_one() -> None:
    """Product rule: what was measured in the cluster wins over ranges."""
    (stage,) = ready_stages(reaction(pod_ready_seconds=90))
    assert stage.typical_seconds == 90
    assert changes(reaction(pod_ready_seconds=90))[0].text.startswith("a faster start")


def test_an_unmeasured_start_counts_at_its_worst() -> None:
    """Product rule: a horizon is checked against the slowest replica that a prepared cluster should have."""
    assert pod_ready_seconds(ScalingTarget(), 1) == 14


def test_a_queue_is_seen_when_its_exporter_is_scraped() -> None:
    """Prometheus operator: monitors that name no interval get the stack's."""
    queue: dict[str, Any] = {"profile": "queue", "queue": {"query": "sum(jobs)", "per_replica": 1}}
    assert decision_stages(reaction(**queue))[0].worst_seconds == 30


def test_quantiles_are_of_the_sum() -> None:
    """Probability: two even stages of 1 s sum to 1 s at the median, and stay within 2 s."""
    even = Stage("even", 0, 0.5, 1, "")
    assert quantile([even, even], 0.5) == 1
    assert quantile([even, even], 1) == 2
    assert quantile([*POD_START], 1) == 8


def test_a_share_above_one_is_refused() -> None:
    """Product rule: 99 is a slip for 0.99."""
    with pytest.raises(ValueError, match=r"share 99 is above 1; use 0\.99 for 99 %"):
        quantile([], 99)
