"""What a stack writes below `scaling:` of a service: bounds, measures, speeds, schedules, prediction.

Values in, frozen models out. Seconds and percents are whole numbers with the unit in the field's name. Not here: the
defaults of each profile (`profiles.py`), the objects made of them (`autoscaling/keda/scaled_object.py`,
`autoscaling/hpa/native.py`).
"""

from typing import Annotated, Any, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, field_validator, model_validator

from meshed_mcp.components.autoscaling.forecast.args import PredictionChoice
from meshed_mcp.components.autoscaling.keda.cron import cron_expression
from meshed_mcp.components.autoscaling.profiles import Profile, with_profile
from meshed_mcp.components.autoscaling.vpa.args import Resource, RightSizing, sizing_issues
from meshed_mcp.components.core.args import Model
from meshed_mcp.error_codes.autoscaling import (
    NEVER_SCALES_DOWN,
    NO_MEASURE,
    QUEUE_MISSING,
    REPLICAS_OUT_OF_BOUNDS,
    SCALE_TO_ZERO_WITHOUT_QUEUE,
    SCHEDULE_WITHOUT_LENGTH,
    SINGLETON_WITH_BOUNDS,
    UNKNOWN_TIME_ZONE,
    ZERO_COUNTS_PODS,
)
from meshed_mcp.error_codes.code import raise_all
from meshed_mcp.error_codes.mesh import MINIMUM_ABOVE_MAXIMUM


class ScaleUp(Model):
    """How fast replicas are added."""

    percent: int = Field(default=900, ge=1, le=10000)
    """Most that one period may add, % of the size at its start. 900 reaches tenfold in one step: 4 -> 16 replicas took
    16 s at worst, against 57 s with Kubernetes' own 100 % (measured, 16 and 13 steps)."""

    period_seconds: int = Field(default=15, ge=1, le=1800)
    """Source: Kubernetes, default of `behavior.scaleUp`, equal to the controller's sync period."""

    stabilization_seconds: int = Field(default=0, ge=0, le=3600)
    """Source: Kubernetes, default of `behavior.scaleUp`."""

    tolerance_percent: int = Field(default=5, ge=0, le=100)
    """Excess of load over the target that is let be, %. With Kubernetes' 10, 7 of 8 wanted replicas were final
    (measured). Takes effect from Kubernetes 1.35 on; older servers drop the field."""


class ScaleDown(Model):
    """How fast replicas are removed; with `percent` and `pods`, the slower of both holds."""

    percent: int | None = Field(default=25, ge=1, le=100)
    """Most that one period may remove, % of the size at its start; null = `pods` alone."""

    pods: int | None = Field(default=None, ge=1, le=1000)
    """Most replicas that one period may remove; null = `percent` alone."""

    period_seconds: int = Field(default=60, ge=1, le=1800)
    """Length of one such period."""

    stabilization_seconds: int = Field(default=300, ge=60, le=3600)
    """How long load must have been low. Source: Kubernetes, default of `behavior.scaleDown`. Below 60 s the few seconds
    in which new replicas are not yet scraped remove one of them again (measured)."""

    tolerance_percent: int = Field(default=10, ge=0, le=100)
    """Lack of load below the target that is let be, %. Source: kube-controller-manager, default of
    `--horizontal-pod-autoscaler-tolerance`. Another takes effect from Kubernetes 1.35 on."""

    @model_validator(mode="after")
    def _may_shrink(self) -> Self:
        if self.percent is None and self.pods is None:
            raise NEVER_SCALES_DOWN.error()
        return self


class Queue(Model):
    """The queue that a service works off."""

    query: str = Field(min_length=1, max_length=2000)
    """PromQL of its length, one number, e.g. `sum(rabbitmq_queue_messages{queue="jobs"})`. It must not come from the
    service's own pods where the minimum is 0: without pods it would be absent."""

    per_replica: int = Field(ge=1, le=1_000_000)
    """Entries that one replica should have before it."""


class Schedule(Model):
    """A floor at certain times: never fewer replicas from `start` to `end`. It only raises."""

    start: Annotated[str, AfterValidator(cron_expression)]
    """When it begins, as five fields of cron: `45 8 * * 1-5`."""

    end: Annotated[str, AfterValidator(cron_expression)]
    """When it ends, likewise."""

    timezone: str
    """Time zone of both, e.g. `Europe/Berlin`. Source: IANA time zone database."""

    replicas: int = Field(ge=1, le=1000)
    """The floor."""

    @field_validator("timezone")
    @classmethod
    def _exists(cls, value: str) -> str:
        if value not in available_timezones():
            raise UNKNOWN_TIME_ZONE.error(value=value)
        return value

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.start == self.end:
            raise SCHEDULE_WITHOUT_LENGTH.error(start=self.start)
        return self


class ScalingSettings(Model):
    """How one service scales. Equal bounds fix the size."""

    profile: Profile = Profile.STATELESS
    """Type of workload: `stateless`, `session`, `memory`, `queue` or `singleton`; it changes the defaults of the
    fields below, each of which may be written."""

    min_replicas: int = Field(default=2, ge=0, le=1000)
    """Fewest replicas; two survive the loss of one. `singleton`: 1. 0 only with `queue`."""

    max_replicas: int = Field(default=10, ge=1, le=1000)
    """Most replicas, whatever the load; also the bound of what the service may cost. `singleton`: 1."""

    monthly_budget: float | None = Field(default=None, ge=0.01, le=1_000_000_000)
    """Most that the replicas may cost in a month, in the currency of the stack's `prices`: when the stack is deployed,
    the maximum is lowered to what it pays for. Unset = `max_replicas` alone."""

    in_flight_per_replica: int | None = Field(default=28, ge=1, le=100_000)
    """Calls in work or waiting that one replica should have; null = they do not count, as with `queue`. The default is
    70 % of the 40 threads on which anyio runs plain functions; a service of coroutines usually bears more: measure."""

    sessions_per_replica: int | None = Field(default=None, ge=1, le=1_000_000)
    """Open sessions that one replica should have; null = they do not count. `session`: 70 % of what one accepts."""

    queue: Queue | None = None
    """The queue outside that the service works off; `queue` needs it."""

    cpu_percent: int | None = Field(default=70, ge=1, le=1000)
    """CPU of the server's container that one replica should use, % of its request; null = CPU does not count.
    `session`: 75; `queue`: null."""

    memory_percent: int | None = Field(default=None, ge=1, le=100)
    """Memory of the server's container that one replica should use, % of its *limit*; null = memory does not count.
    `memory`: 75. A guard against the kill at the limit: memory that was once used is rarely given back."""

    schedules: list[Schedule] = Field(default_factory=list, max_length=20)
    """Floors at certain times."""

    fallback_replicas: int | None = Field(default=None, ge=1, le=1000)
    """Size while Prometheus does not answer, if the present one is smaller; it never shrinks. Unset: `min_replicas`."""

    fallback_failures: int = Field(default=3, ge=1, le=100)
    """Failed queries in a row until the fallback counts; with 3, 34 to 45 s at the HPA's 15 s (measured)."""

    prediction: PredictionChoice | None = None
    """What a forecast of this service's load may do: `off`, `forecast-only` or `on`. Unset: the stack's
    `forecast.mode`."""

    pod_ready_seconds: int | None = Field(default=None, ge=1, le=3600)
    """Seconds until a new replica gets calls, as measured in the cluster. Unset: 14, the worst that a node which is
    there and has the image should take."""

    scale_up: ScaleUp = ScaleUp()
    scale_down: ScaleDown = ScaleDown()
    right_sizing: RightSizing = RightSizing()
    interruptible: bool | None = None
    """Whether replicas prefer nodes that the cloud may take back within minutes (spot); takes effect where the stack
    has `nodes`. Unset: `stateless` and `queue` with two replicas or more do, the others avoid them."""

    @property
    def scales(self) -> bool:
        """Whether there is a number of replicas to choose."""
        return self.min_replicas < self.max_replicas

    @property
    def on_spot(self) -> bool:
        """Whether replicas prefer spot nodes."""
        if self.interruptible is not None:
            return self.interruptible
        return self.profile in {Profile.STATELESS, Profile.QUEUE} and self.max_replicas > 1

    @property
    def counted(self) -> frozenset[Resource]:
        """Resources of the container that the autoscaler counts."""
        used = {Resource.CPU: self.cpu_percent, Resource.MEMORY: self.memory_percent}
        return frozenset(resource for resource, percent in used.items() if self.scales and percent is not None)

    @model_validator(mode="after")
    def _resizes_what_nothing_counts(self) -> Self:
        raise_all(sizing_issues(self.right_sizing, self.counted))
        return self

    @model_validator(mode="before")
    @classmethod
    def _takes_the_profiles_values(cls, raw: Any) -> Any:
        return with_profile(raw)

    @model_validator(mode="after")
    def _bounds_fit(self) -> Self:
        if self.min_replicas > self.max_replicas:
            raise MINIMUM_ABOVE_MAXIMUM.error(min_replicas=self.min_replicas, max_replicas=self.max_replicas)
        if self.profile is Profile.SINGLETON and (self.min_replicas, self.max_replicas) != (1, 1):
            raise SINGLETON_WITH_BOUNDS.error(min_replicas=self.min_replicas, max_replicas=self.max_replicas)
        return self

    @model_validator(mode="after")
    def _floors_fit(self) -> Self:
        floors = [("fallback_replicas", self.fallback_replicas)]
        floors += [(f"schedules[{number}].replicas", item.replicas) for number, item in enumerate(self.schedules)]
        lines = [
            REPLICAS_OUT_OF_BOUNDS.message(
                field=field, replicas=replicas, min_replicas=self.min_replicas, max_replicas=self.max_replicas
            )
            for field, replicas in floors
            if replicas is not None and not self.min_replicas <= replicas <= self.max_replicas
        ]
        raise_all(lines)
        return self

    @model_validator(mode="after")
    def _something_counts(self) -> Self:
        if self.profile is Profile.QUEUE and self.queue is None:
            raise QUEUE_MISSING.error()
        measures = (self.in_flight_per_replica, self.sessions_per_replica, self.queue, self.cpu_percent)
        if self.min_replicas < self.max_replicas and not any((*measures, self.memory_percent, self.schedules)):
            raise NO_MEASURE.error()
        return self

    @model_validator(mode="after")
    def _zero_can_be_left(self) -> Self:
        if self.min_replicas == 0 and self.queue is None:
            raise SCALE_TO_ZERO_WITHOUT_QUEUE.error()
        of_pods = [name for name in ("in_flight_per_replica", "sessions_per_replica") if getattr(self, name)]
        if self.min_replicas == 0 and of_pods:
            raise ZERO_COUNTS_PODS.error(names=" and ".join(of_pods))
        return self
