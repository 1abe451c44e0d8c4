"""The simulated controller against the published algorithm."""

from typing import Any

import pytest

from meshed_mcp.components.autoscaling.args import ScalingSettings
from meshed_mcp.components.autoscaling.hpa.algorithm import SYNC_SECONDS, Autoscaler

KUBERNETES_UP = {"percent": 100, "tolerance_percent": 10}
KUBERNETES_DOWN = {"percent": 100, "period_seconds": 15}


def scaler(up: dict[str, Any] | None = None, down: dict[str, Any] | None = None, **settings: Any) -> Autoscaler:
    """A controller with Kubernetes' own speeds unless said otherwise."""
    raw = {
        "min_replicas": 1,
        "max_replicas": 100,
        "scale_up": {**KUBERNETES_UP, **(up or {})},
        "scale_down": {**KUBERNETES_DOWN, **(down or {})},
    }
    return Autoscaler(ScalingSettings.model_validate({**raw, **settings}))


def sizes(controller: Autoscaler, size: int, totals: list[float], target: float = 10) -> list[int]:
    """Sizes at one sync after the other, from `size` on."""
    result = []
    for tick, total in enumerate(totals):
        size = controller.sync(tick * SYNC_SECONDS, size, [(total, target)])
        result.append(size)
    return result


@pytest.mark.parametrize(("total", "wanted"), [(44, 4), (45, 5), (55, 6), (36, 4), (35, 4)])
def test_value_within_the_tolerance_changes_nothing_and_beyond_it_is_rounded_up(total: float, wanted: int) -> None:
    """Kubernetes, "Algorithm details": ceil(value / target), skipped while the ratio is within 0.1 of 1."""
    assert sizes(scaler(), 4, [total]) == [wanted]


def test_tolerances_of_both_directions_come_from_the_behavior() -> None:
    """Kubernetes, HPA tolerance: `behavior.scaleUp.tolerance` and `scaleDown.tolerance`."""
    assert sizes(scaler({"tolerance_percent": 5}), 10, [104]) == [10]
    assert sizes(scaler({"tolerance_percent": 5}), 10, [106]) == [11]
    assert sizes(scaler(down={"tolerance_percent": 5, "stabilization_seconds": 60}), 10, [96] * 9)[-1] == 10
    assert sizes(scaler(down={"tolerance_percent": 2, "stabilization_seconds": 60}), 20, [190] * 9)[-1] == 19
    assert sizes(scaler(down={"stabilization_seconds": 60}), 20, [190] * 9)[-1] == 20


def test_growth_is_bounded_by_the_size_at_the_start_of_the_period() -> None:
    """Kubernetes, "Scaling policies": 100 % per 15 s doubles at each sync; measured 4 -> 16 in two steps."""
    assert sizes(scaler(), 4, [160, 160, 160]) == [8, 16, 16]
    assert sizes(scaler({"period_seconds": 60}), 4, [160] * 6) == [8, 8, 8, 8, 16, 16]


def test_ninefold_growth_takes_one_step() -> None:
    """Measured: 900 % per 15 s brought 4 -> 16 in one decision."""
    assert sizes(scaler({"percent": 900}), 4, [160]) == [16]


def test_growth_in_percent_is_rounded_up() -> None:
    """Kubernetes, calculateScaleUpLimitWithScalingRules: ceil(start * (1 + percent / 100))."""
    assert sizes(scaler({"percent": 10}), 1, [1000]) == [2]


def test_size_falls_only_when_load_was_low_for_the_whole_window() -> None:
    """Kubernetes, "Stabilization window": the largest recommendation of the window counts."""
    low = sizes(scaler(down={"stabilization_seconds": 60}), 4, [40, 10, 10, 10, 10])
    assert low == [4, 4, 4, 4, 1]


def test_scale_down_in_percent_is_truncated_and_counts_from_the_start_of_the_period() -> None:
    """Kubernetes, calculateScaleDownLimitWithBehaviors: int(start * (1 - percent / 100)) per period."""
    down = {"percent": 25, "period_seconds": 60, "stabilization_seconds": 60}
    fall = sizes(scaler(down=down), 10, [10] * 12)
    assert fall == [10] * 4 + [7] * 4 + [5] * 4


def test_slower_of_two_policies_wins() -> None:
    """Kubernetes, `selectPolicy: Min`."""
    bounds = {"percent": 50, "pods": 1, "stabilization_seconds": 60}
    assert sizes(scaler(down=bounds), 10, [10] * 5)[-2:] == [10, 9]


def test_initial_size_counts_as_the_first_recommendation() -> None:
    """Kubernetes, `recordInitialRecommendation`: a restarted controller removes nothing before the window is over."""
    assert sizes(scaler(down={"stabilization_seconds": 60}), 10, [10] * 5) == [10] * 4 + [1]


def test_rising_load_must_last_for_the_scale_up_window() -> None:
    """Kubernetes, "Stabilization window", scaleUp: the smallest recommendation of the window counts."""
    controller = scaler({"stabilization_seconds": 30})
    assert sizes(controller, 4, [40, 80, 80]) == [4, 4, 8]


def test_largest_of_several_metrics_counts() -> None:
    """Kubernetes, "Scaling on multiple metrics"."""
    assert scaler().sync(0, 4, [(40, 10), (70, 10)]) == 7


def test_bounds_hold_and_a_size_below_the_minimum_is_corrected_at_once() -> None:
    """Kubernetes: minReplicas and maxReplicas come after the policies."""
    assert sizes(scaler(max_replicas=6), 4, [900]) == [6]
    assert sizes(scaler(min_replicas=5), 2, [20]) == [5]
