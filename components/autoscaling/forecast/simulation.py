"""Simulation of one autoscaled service under a load, sync by sync: sizes, starting pods, queue, rejected requests.

Requests arrive evenly and are balanced equally; excess load queues, and what exceeds the queue is rejected.
"""

from collections import deque
from collections.abc import Sequence
from math import ceil
from typing import Final, NamedTuple

from meshed_mcp.components.autoscaling.hpa.algorithm import SYNC_SECONDS, Autoscaler
from meshed_mcp.components.autoscaling.scaling_args import ScalingSettings

TARGET_SHARE: Final = 0.7
"""`in_flight_per_replica` as a share of a replica's capacity. Product rule: that of the default."""

HELD_SYNCS: Final = 2
"""Syncs over which the trigger's query holds a peak: 30 s. Source: `promql/selectors.py`."""

Load = Sequence[float | None]
"""Offered in-flight requests per sync; None for unknown."""


class Service(NamedTuple):
    """The simulated service."""

    settings: ScalingSettings
    capacity: float
    """In-flight requests of one replica at most."""

    pod_ready_seconds: float
    target_share: float = TARGET_SHARE
    """Target of the autoscaler, as a share of the capacity."""

    call_seconds: float = 1
    """Mean duration of a request, which converts queued work into queued requests."""

    queue_share: float = 1
    """Queue length, as a multiple of the capacity of the ready replicas."""

    @property
    def in_flight_per_replica(self) -> float:
        """Target of the autoscaler, in-flight and queued requests."""
        return self.capacity * self.target_share


class Outcome(NamedTuple):
    """Result of a policy; times without data are left out."""

    overloaded_seconds: int
    """Time in which load or queue exceeded the capacity of the ready replicas."""

    unserved_share: float
    """Share of all work that was rejected, 0..1."""

    replica_hours: float
    over_provisioned_hours: float
    """Replica-hours above an ideal size at TARGET_SHARE."""

    sizes: list[int]
    """Desired replicas, per sync."""


def simulate(service: Service, load: Load, forecast: Load | None = None) -> Outcome:
    """Run the autoscaler over `load`; `forecast` is a second metric where it is not None."""
    run = _Run(service, next((offered for offered in load if offered is not None), 0.0))
    for tick, offered in enumerate(load):
        run.step(tick * SYNC_SECONDS, offered, forecast[tick] if forecast else None)
    return run.outcome()


class _Run:
    """State between two syncs."""

    def __init__(self, service: Service, first: float) -> None:
        """Begin with the size that fits the `first` load."""
        settings, fitting = service.settings, ceil(first / service.in_flight_per_replica)
        self.service = service
        self.scaler = Autoscaler(settings)
        self.size = self.ready = min(max(1, settings.min_replicas, fitting), settings.max_replicas)
        self.starting: deque[tuple[float, int]] = deque()
        self.waiting_work = 0.0
        self.seen: deque[float] = deque(maxlen=HELD_SYNCS)
        self.sizes: list[int] = []
        self.overloaded_ticks = self.used_ticks = self.spare_ticks = 0
        self.offered_work = self.rejected_work = 0.0

    def step(self, second: int, offered: float | None, forecast: float | None) -> None:
        """One sync: ready pods, the load since the last one, the controller's decision."""
        while self.starting and self.starting[0][0] <= second:
            self.ready += self.starting.popleft()[1]
        if offered is not None:
            self.seen.append(self.serve(offered))
            self.resize(second, forecast)
        self.sizes.append(self.size)

    def serve(self, offered: float) -> float:
        """Serve `offered` load and the queue; returns the gauge that the autoscaler reads."""
        capacity = self.ready * self.service.capacity
        work = self.waiting_work + (offered - capacity) * SYNC_SECONDS
        most = capacity * self.service.queue_share * self.service.call_seconds
        if offered > capacity or self.waiting_work > 0:
            self.overloaded_ticks += 1
        self.rejected_work += max(0.0, work - most)
        self.offered_work += offered * SYNC_SECONDS
        self.waiting_work = min(max(0.0, work), most)
        self.used_ticks += self.size
        needed = -(-offered // (self.service.capacity * TARGET_SHARE))
        self.spare_ticks += int(max(0, self.size - max(needed, self.service.settings.min_replicas)))
        return min(offered, capacity) + self.waiting_work / self.service.call_seconds

    def resize(self, second: int, forecast: float | None) -> None:
        """Apply the controller's decision; pods that are not ready are removed first."""
        target = self.service.in_flight_per_replica
        metrics = [(max(self.seen), target)] + ([] if forecast is None else [(forecast, target)])
        new = self.scaler.sync(second, self.size, metrics)
        if new > self.size:
            self.starting.append((second + self.service.pod_ready_seconds, new - self.size))
        removed = self.size - new
        while removed > 0 and self.starting:
            when, count = self.starting.pop()
            if count > removed:
                self.starting.append((when, count - removed))
            removed -= min(removed, count)
        self.ready -= max(0, removed)
        self.size = new

    def outcome(self) -> Outcome:
        """The totals."""
        hours = SYNC_SECONDS / 3600
        share = self.rejected_work / self.offered_work if self.offered_work else 0.0
        overloaded = self.overloaded_ticks * SYNC_SECONDS
        return Outcome(overloaded, share, self.used_ticks * hours, self.spare_ticks * hours, self.sizes)
