"""The HPA's algorithm for metrics with an average value: recommendations, stabilization, policies, bounds.

One call of `Autoscaler.sync` is one sync of the controller: metrics in, the new size out. Not here: load, pods and time
(`autoscaling/forecast/simulation.py`). Source: Kubernetes, "Horizontal Pod Autoscaling", algorithm details; the
controller's `calculateScaleUpLimitWithScalingRules` and its sister, whose rounding differs: up is rounded up, down is
cut. Beside the real controller: tests/engines/test_hpa_controller.py.
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
    """The state that the controller keeps between syncs: its recommendations, and when it changed the size."""

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
        """The size after a sync at `second`; `metrics` are (total, target per replica), of which the largest counts."""
        wanted = max(self._proposal(total, target, size) for total, target in metrics)
        self._recommend(wanted, size)
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

    def _recommend(self, wanted: int, size: int) -> None:
        """Remember the lowest and the highest recommendation of this sync.

        The size that the controller finds at its first sync counts as one, so that a restart removes nothing at once.
        """
        found = size if not self._recommended else wanted
        self._recommended.append((min(wanted, found), max(wanted, found)))

    def _stabilized(self, wanted: int, size: int) -> int:
        """The size nearest to the present one among what was recommended in each direction's window."""
        if wanted > size and self._up_syncs:
            return max(size, min(lowest for lowest, _ in self._latest(self._up_syncs)))
        if wanted < size and self._down_syncs:
            return min(size, max(highest for _, highest in self._latest(self._down_syncs)))
        return wanted

    def _latest(self, syncs: int) -> list[tuple[int, int]]:
        """Recommendations younger than the window; one that is exactly as old does not count."""
        return list(self._recommended)[-syncs:]

    def _limited(self, second: int, size: int, wanted: int) -> int:
        if wanted > size:
            start = size - changed(self._added, second, self._up.period_seconds)
            return min(wanted, max(size, ceil(start * (100 + self._up.percent) / 100)))
        if wanted < size:
            start = size + changed(self._removed, second, self._down.period_seconds)
            return max(wanted, min(size, self._lowest(start)))
        return wanted

    def _lowest(self, start: int) -> int:
        """Fewest replicas that one period leaves of `start`; of two bounds the slower holds."""
        bounds = []
        if self._down.percent is not None:
            bounds.append(start * (100 - self._down.percent) // 100)
        if self._down.pods is not None:
            bounds.append(start - self._down.pods)
        return max(bounds)


def changed(events: deque[tuple[int, int]], second: int, period_seconds: int) -> int:
    """Replicas by which the size changed in the period that ends now; older events are forgotten."""
    while events and events[0][0] <= second - period_seconds:
        events.popleft()
    return sum(count for _, count in events)
