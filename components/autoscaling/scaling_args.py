"""Arguments below `scaling:` of a service: bounds, metrics, scaling behavior, schedules, prediction.

The defaults of each profile are in `profiles.py`.
"""

from typing import Annotated, Any, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, field_validator, model_validator

from meshed_mcp.components.autoscaling.forecast.args import PredictionChoice
from meshed_mcp.components.autoscaling.keda.cron import cron_expression
from meshed_mcp.components.autoscaling.profiles import Profile, with_profile
from meshed_mcp.components.autoscaling.vpa.args import Resource, RightSizing, sizing_issues
from meshed_mcp.components.core.args import Model
from meshed_mcp.error_codes import autoscaling as codes
from meshed_mcp.error_codes.code import raise_all
from meshed_mcp.error_codes.mesh import MINIMUM_ABOVE_MAXIMUM


class ScaleUp(Model):
    """Scale-out policy."""

    percent: int = Field(default=900, ge=1, le=10000)
    """Most replicas that one period may add, % of the size at its start. 900 allows tenfold in one step: 4 -> 16
    replicas took 16 s at worst, against 57 s with Kubernetes' default of 100 % (measured, 16 and 13 steps)."""

    period_seconds: int = Field(default=15, ge=1, le=1800)
    """Length of a period. Source: Kubernetes, default of `behavior.scaleUp`."""

    stabilization_seconds: int = Field(default=0, ge=0, le=3600)
    """Window whose lowest recommendation applies. Source: Kubernetes, default of `behavior.scaleUp`."""

    tolerance_percent: int = Field(default=5, ge=0, le=100)
    """Tolerated excess over the target, %. With Kubernetes' 10, scale-out stopped at 7 of 8 needed replicas (measured).
    Takes effect from Kubernetes 1.35 on; older API servers drop the field."""


class ScaleDown(Model):
    """Scale-in policy; of `percent` and `pods`, the slower applies."""

    percent: int | None = Field(default=25, ge=1, le=100)
    """Most replicas that one period may remove, % of the size at its start; null: `pods` alone."""

    pods: int | None = Field(default=None, ge=1, le=1000)
    """Most replicas that one period may remove; null: `percent` alone."""

    period_seconds: int = Field(default=60, ge=1, le=1800)
    """Length of a period."""

    stabilization_seconds: int = Field(default=300, ge=60, le=3600)
    """Window whose highest recommendation applies. Source: Kubernetes, default of `behavior.scaleDown`. Below 60 s, new
    replicas that are not yet scraped are removed again (measured)."""

    tolerance_percent: int = Field(default=10, ge=0, le=100)
    """Tolerated shortfall below the target, %. Source: kube-controller-manager, default of
    `--horizontal-pod-autoscaler-tolerance`. Other values take effect from Kubernetes 1.35 on."""

    @model_validator(mode="after")
    def _may_shrink(self) -> Self:
        if self.percent is None and self.pods is None:
            raise codes.NEVER_SCALES_DOWN.error()
        return self


class Queue(Model):
    """External queue whose length scales a service."""

    query: str = Field(min_length=1, max_length=2000)
    """PromQL of its length, one number, e.g. `sum(rabbitmq_queue_messages{queue="jobs"})`. With a minimum of 0 the
    series must not come from the service's own pods: without pods they are absent."""

    per_replica: int = Field(ge=1, le=1_000_000)
    """Target queue length per replica."""


class Schedule(Model):
    """Scheduled minimum from `start` to `end`; it never reduces the number of replicas."""

    start: Annotated[str, AfterValidator(cron_expression)]
    """Start, as a cron expression of five fields: `45 8 * * 1-5`."""

    end: Annotated[str, AfterValidator(cron_expression)]
    """End, as a cron expression."""

    timezone: str
    """Time zone of both, e.g. `Europe/Berlin`. Source: IANA time zone database."""

    replicas: int = Field(ge=1, le=1000)
    """Minimum while it is active."""

    @field_validator("timezone")
    @classmethod
    def _exists(cls, value: str) -> str:
        if value not in available_timezones():
            raise codes.UNKNOWN_TIME_ZONE.error(value=value)
        return value

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.start == self.end:
            raise codes.SCHEDULE_WITHOUT_LENGTH.error(start=self.start)
        return self


class ScalingSettings(Model):
    """Autoscaling of one service. Equal bounds fix the number of replicas."""

    profile: Profile = Profile.STATELESS
    """Type of workload: `stateless`, `session`, `memory`, `queue` or `singleton`. It sets the defaults of the fields
    below."""

    min_replicas: int = Field(default=2, ge=0, le=1000)
    """Minimum number of replicas. `singleton`: 1. 0 needs `queue`."""

    max_replicas: int = Field(default=10, ge=1, le=1000)
    """Maximum number of replicas, which also bounds the cost. `singleton`: 1."""

    monthly_budget: float | None = Field(default=None, ge=0.01, le=1_000_000_000)
    """Largest monthly cost of the replicas, in the currency of the stack's `prices`. Deployment lowers `max_replicas`
    to what it pays for. Unset: `max_replicas` alone."""

    in_flight_per_replica: int | None = Field(default=28, ge=1, le=100_000)
    """Target number of in-flight and queued requests per replica; null: not a metric (`queue`). The default is 70 % of
    the 40 threads on which anyio runs plain functions; a service of coroutines usually takes more: measure."""

    sessions_per_replica: int | None = Field(default=None, ge=1, le=1_000_000)
    """Target number of open sessions per replica; null: not a metric. `session`: 70 % of the default
    `limits.sessions`."""

    queue: Queue | None = None
    """External queue; the profile `queue` needs it."""

    cpu_percent: int | None = Field(default=70, ge=1, le=1000)
    """Target CPU of the server's container, % of its request; null: not a metric. `session`: 75; `queue`: null."""

    memory_percent: int | None = Field(default=None, ge=1, le=100)
    """Target memory of the server's container, % of its *limit*; null: not a metric. `memory`: 75. It prevents OOM
    kills; Python rarely returns used memory, so it does not scale in."""

    schedules: list[Schedule] = Field(default_factory=list, max_length=20)
    """Scheduled minimums."""

    fallback_replicas: int | None = Field(default=None, ge=1, le=1000)
    """Minimum while Prometheus does not respond. Unset: `min_replicas`."""

    fallback_failures: int = Field(default=3, ge=1, le=100)
    """Consecutive failed queries until the fallback applies; 3 take 34 to 45 s (measured)."""

    prediction: PredictionChoice | None = None
    """Use of the load forecast: `off`, `forecast-only` or `on`. Unset: the stack's `forecast.mode`."""

    pod_ready_seconds: int | None = Field(default=None, ge=1, le=3600)
    """Seconds until a new replica serves, as measured in the cluster. Unset: 14, the worst case on an existing node
    that has the image."""

    scale_up: ScaleUp = ScaleUp()
    scale_down: ScaleDown = ScaleDown()
    right_sizing: RightSizing = RightSizing()
    interruptible: bool | None = None
    """Whether replicas prefer spot nodes; needs the stack's `nodes`. Unset: true for `stateless` and `queue` with a
    maximum of two replicas or more."""

    @property
    def scales(self) -> bool:
        """Whether the bounds differ."""
        return self.min_replicas < self.max_replicas

    @property
    def on_spot(self) -> bool:
        """Whether replicas prefer spot nodes."""
        if self.interruptible is not None:
            return self.interruptible
        return self.profile in {Profile.STATELESS, Profile.QUEUE} and self.max_replicas > 1

    @property
    def counted(self) -> frozenset[Resource]:
        """Resources of the container that the autoscaler scales on."""
        used = {Resource.CPU: self.cpu_percent, Resource.MEMORY: self.memory_percent}
        return frozenset(resource for resource, percent in used.items() if self.scales and percent is not None)

    @model_validator(mode="after")
    def _right_sizing_and_hpa_differ(self) -> Self:
        raise_all(sizing_issues(self.right_sizing, self.counted))
        return self

    @model_validator(mode="before")
    @classmethod
    def _with_profile(cls, raw: Any) -> Any:
        return with_profile(raw)

    @model_validator(mode="after")
    def _bounds_fit(self) -> Self:
        if self.min_replicas > self.max_replicas:
            raise MINIMUM_ABOVE_MAXIMUM.error(min_replicas=self.min_replicas, max_replicas=self.max_replicas)
        if self.profile is Profile.SINGLETON and (self.min_replicas, self.max_replicas) != (1, 1):
            raise codes.SINGLETON_WITH_BOUNDS.error(min_replicas=self.min_replicas, max_replicas=self.max_replicas)
        return self

    @model_validator(mode="after")
    def _minimums_fit(self) -> Self:
        floors = [("fallback_replicas", self.fallback_replicas)]
        floors += [(f"schedules[{number}].replicas", item.replicas) for number, item in enumerate(self.schedules)]
        raise_all(
            codes.REPLICAS_OUT_OF_BOUNDS.message(
                field=field, replicas=replicas, min_replicas=self.min_replicas, max_replicas=self.max_replicas
            )
            for field, replicas in floors
            if replicas is not None and not self.min_replicas <= replicas <= self.max_replicas
        )
        return self

    @model_validator(mode="after")
    def _has_a_metric(self) -> Self:
        if self.profile is Profile.QUEUE and self.queue is None:
            raise codes.QUEUE_MISSING.error()
        measures = (self.in_flight_per_replica, self.sessions_per_replica, self.queue, self.cpu_percent)
        if self.min_replicas < self.max_replicas and not any((*measures, self.memory_percent, self.schedules)):
            raise codes.NO_MEASURE.error()
        return self

    @model_validator(mode="after")
    def _can_scale_from_zero(self) -> Self:
        if self.min_replicas == 0 and self.queue is None:
            raise codes.SCALE_TO_ZERO_WITHOUT_QUEUE.error()
        of_pods = [name for name in ("in_flight_per_replica", "sessions_per_replica") if getattr(self, name)]
        if self.min_replicas == 0 and of_pods:
            raise codes.ZERO_COUNTS_PODS.error(names=" and ".join(of_pods))
        return self
