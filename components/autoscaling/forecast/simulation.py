"""One service under a load, second by second of the HPA: sizes, starting pods, a queue, and what went wrong.

Load per sync in, an `Outcome` out. Calls arrive evenly and replicas share them equally; what exceeds the ready replicas
waits, and what exceeds the queue is refused. Not here: the controller (`autoscaling/hpa/algorithm.py`), the forecast
(`model.py`).
"""

from collections import deque
from collections.abc import Sequence
from math import ceil
from typing import Final, NamedTuple

from meshed_mcp.components.autoscaling.hpa.algorithm import SYNC_SECONDS, Autoscaler
from meshed_mcp.components.autoscaling.scaling_args import ScalingSettings

TARGET_SHARE: Final = 0.7
"""Part of what a replica bears that `in_flight_per_replica` asks of it. Product rule: the default's own share."""

HELD_SYNCS: Final = 2
"""Syncs over which the scaler's query holds a peak: 30 s. Source: `promql/selectors.py`."""

Load = Sequence[float | None]
"""Calls in work and waiting if nothing queued, per sync; None where nothing is known."""


class Service(NamedTuple):
    """What is simulated."""

    settings: ScalingSettings
    capacity: float
    """Calls in work that one replica bears."""

    pod_ready_seconds: float
    target_share: float = TARGET_SHARE
    """Target of the autoscaler, as a part of what a replica bears."""

    call_seconds: float = 1
    """Mean duration of a call: how fast waiting work becomes waiting calls."""

    queue_share: float = 1
    """Calls that may wait, as a multiple of those that the ready replicas bear."""

    @property
    def in_flight_per_replica(self) -> float:
        """Target of the autoscaler, calls in work and waiting."""
        return self.capacity * self.target_share


class Outcome(NamedTuple):
    """What a policy led to. Times without data count for nothing."""

    overloaded_seconds: int
    """Time in which more calls came or waited than the ready replicas bear."""

    unserved_share: float
    """Part of all work that was refused, 0..1."""

    replica_hours: float
    over_provisioned_hours: float
    """Replica-hours above what TARGET_SHARE would have asked for at once."""

    sizes: list[int]
    """Replicas wanted, per sync."""


def simulate(service: Service, load: Load, forecast: Load | None = None) -> Outcome:
    """Run the autoscaler over `load`; `forecast` is a second metric where it has an opinion."""
    run = _Run(service, next((offered for offered in load if offered is not None), 0.0))
    for tick, offered in enumerate(load):
        run.step(tick * SYNC_SECONDS, offered, forecast[tick] if forecast else None)
    return run.outcome()


class _Run:
    """The state between two syncs."""

    def __init__(self, service: Service, first: float) -> None:
        """Begin with the size that fits the `first` load: the service ran before."""
        settings, fitting = service.settings, ceil(first / service.in_flight_per_replica)
        self.service = service
        self.scaler = Autoscaler(settings)
        self.size = self.ready = min(max(1, settings.min_replicas, fitting), settings.max_replicas)
        self.starting: deque[tuple[float, int]] = deque()
        self.waiting_work = 0.0
        self.seen: deque[float] = deque(maxlen=HELD_SYNCS)
        self.sizes: list[int] = []
        self.overloaded_ticks = self.used_ticks = self.spare_ticks = 0
        self.offered_work = self.refused_work = 0.0

    def step(self, second: int, offered: float | None, forecast: float | None) -> None:
        """One sync: pods that became ready, the load since the last one, the controller's decision."""
        while self.starting and self.starting[0][0] <= second:
            self.ready += self.starting.popleft()[1]
        if offered is not None:
            self.seen.append(self.serve(offered))
            self.resize(second, forecast)
        self.sizes.append(self.size)

    def serve(self, offered: float) -> float:
        """Work off `offered` and what waits; the gauge that the scaler reads."""
        bears = self.ready * self.service.capacity
        work = self.waiting_work + (offered - bears) * SYNC_SECONDS
        most = bears * self.service.queue_share * self.service.call_seconds
        if offered > bears or self.waiting_work > 0:
            self.overloaded_ticks += 1
        self.refused_work += max(0.0, work - most)
        self.offered_work += offered * SYNC_SECONDS
        self.waiting_work = min(max(0.0, work), most)
        self.used_ticks += self.size
        needed = -(-offered // (self.service.capacity * TARGET_SHARE))
        self.spare_ticks += int(max(0, self.size - max(needed, self.service.settings.min_replicas)))
        return min(offered, bears) + self.waiting_work / self.service.call_seconds

    def resize(self, second: int, forecast: float | None) -> None:
        """The controller's decision; removed pods are those that are not ready yet, then any."""
        target = self.service.in_flight_per_replica
        metrics = [(max(self.seen), target)] + ([] if forecast is None else [(forecast, target)])
        new = self.scaler.sync(second, self.size, metrics)
        if new > self.size:
            self.starting.append((second + self.service.pod_ready_seconds, new - self.size))
        gone = self.size - new
        while gone > 0 and self.starting:
            when, count = self.starting.pop()
            if count > gone:
                self.starting.append((when, count - gone))
            gone -= min(gone, count)
        self.ready -= max(0, gone)
        self.size = new

    def outcome(self) -> Outcome:
        """The sums, in seconds and hours."""
        hours = SYNC_SECONDS / 3600
        share = self.refused_work / self.offered_work if self.offered_work else 0.0
        overloaded = self.overloaded_ticks * SYNC_SECONDS
        return Outcome(overloaded, share, self.used_ticks * hours, self.spare_ticks * hours, self.sizes)
