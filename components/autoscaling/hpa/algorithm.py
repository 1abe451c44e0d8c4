"""The HPA's algorithm for metrics with an average value: recommendations, stabilization, policies, bounds.

One call of `Autoscaler.sync` is one sync of the controller. Source: Kubernetes, "Horizontal Pod Autoscaling", algorithm
details; `calculateScaleUpLimitWithScalingRules`, which rounds up, and `calculateScaleDownLimitWithBehaviors`, which
rounds down. tests/engines/test_hpa_controller.py compares it with the real controller.
"""

from collections import deque
from collections.abc import Iterable
from math import ceil
from typing import Final

from meshed_mcp.components.autoscaling.scaling_args import ScalingSettings

SYNC_SECONDS: Final = 15
"""Period of the controller. Source: default of `--horizontal-pod-autoscaler-sync-period`."""

ROUNDING: Final = 1e-9
"""Absorbs the last bit of a division, so that 56 calls at 28 are two replicas."""


class Autoscaler:
    """State of the controller between syncs: recommendations and scaling events."""

    def __init__(self, settings: ScalingSettings) -> None:
        self._least, self._most = settings.min_replicas, settings.max_replicas
        self._up, self._down = settings.scale_up, settings.scale_down
        self._up_tolerance = settings.scale_up.tolerance_percent / 100
        self._down_tolerance = settings.scale_down.tolerance_percent / 100
        kept = max(self._up.stabilization_seconds, self._down.stabilization_seconds) // SYNC_SECONDS
        self._recommended: deque[tuple[int, int]] = deque(maxlen=max(1, kept))
        self._up_syncs = self._up.stabilization_seconds // SYNC_SECONDS
        self._down_syncs = self._down.stabilization_seconds // SYNC_SECONDS
        self._added: deque[tuple[int, int]] = deque()
        self._removed: deque[tuple[int, int]] = deque()

    def sync(self, second: int, size: int, metrics: Iterable[tuple[float, float]]) -> int:
        """The size after a sync at `second`: the highest proposal of `metrics`, (total, target per replica)."""
        wanted = max(self._proposal(total, target, size) for total, target in metrics)
        # The size at the first sync is a recommendation too, as after a restart.
        found = wanted if self._recommended else size
        self._recommended.append((min(wanted, found), max(wanted, found)))
        stable = self._stabilized(wanted, size)
        new = min(max(self._limited(second, size, stable), self._least), self._most)
        if new > size:
            self._added.append((second, new - size))
        elif new < size:
            self._removed.append((second, size - new))
        return new

    def _proposal(self, total: float, target: float, size: int) -> int:
        ratio = total / (target * size) if size else float("inf")
        if -self._down_tolerance - ROUNDING <= ratio - 1 <= self._up_tolerance + ROUNDING:
            return size
        return ceil(total / target - ROUNDING)

    def _stabilized(self, wanted: int, size: int) -> int:
        """The recommendation of the window that is nearest to the current size."""
        recommended = list(self._recommended)
        if wanted > size and self._up_syncs:
            return max(size, min(lowest for lowest, _ in recommended[-self._up_syncs :]))
        if wanted < size and self._down_syncs:
            return min(size, max(highest for _, highest in recommended[-self._down_syncs :]))
        return wanted

    def _limited(self, second: int, size: int, wanted: int) -> int:
        if wanted > size:
            start = size - changed(self._added, second, self._up.period_seconds)
            return min(wanted, max(size, ceil(start * (100 + self._up.percent) / 100)))
        if wanted < size:
            start = size + changed(self._removed, second, self._down.period_seconds)
            return max(wanted, min(size, self._lowest(start)))
        return wanted

    def _lowest(self, start: int) -> int:
        """Fewest replicas that one period leaves of `start`; of two policies the slower applies."""
        bounds = [] if self._down.percent is None else [start * (100 - self._down.percent) // 100]
        return max([*bounds, *([] if self._down.pods is None else [start - self._down.pods])])


def changed(events: deque[tuple[int, int]], second: int, period_seconds: int) -> int:
    """Replicas added or removed in the period that ends now; drops older events."""
    while events and events[0][0] <= second - period_seconds:
        events.popleft()
    return sum(count for _, count in events)
