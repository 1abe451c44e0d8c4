"""Arguments of vertical scaling: the VerticalPodAutoscaler and the right-sizing of a service.

HPA and VPA never act on the same resource: each would undo the other. Source: Kubernetes, VPA, "Known limitations".
"""

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from meshed_mcp.components.autoscaling.profiles import Profile
from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.charts import OptionalInstall
from meshed_mcp.components.core.names import namespace_name
from meshed_mcp.components.core.quantity import Cores
from meshed_mcp.error_codes.autoscaling import NOTHING_TO_RESIZE, RESIZED_AND_COUNTED
from meshed_mcp.error_codes.code import Message


class VpaSettings(Model):
    """The VerticalPodAutoscaler, once per cluster."""

    install: OptionalInstall = OptionalInstall.NONE
    """`none`, `existing` (the cluster has it) or `component` (the stack installs a pinned chart)."""

    namespace: Annotated[str, AfterValidator(namespace_name)] = "vpa"
    """Namespace of its controllers; the stack creates it."""

    replicas: int = Field(default=2, ge=1, le=5)
    """Replicas of recommender, updater and admission controller, each. Source: default of the chart."""


class Sizing(StrEnum):
    """What the VerticalPodAutoscaler may do with its recommendation."""

    OFF = "off"
    """Publish it in the status only."""

    INITIAL = "initial"
    """Apply it to new pods."""

    IN_PLACE = "in-place"
    """Resize running pods; on nodes without room replace them one by one, within their disruption budget."""


class Resource(StrEnum):
    """What can be sized."""

    CPU = "cpu"
    MEMORY = "memory"


def unquoted_off(value: Any) -> Any:
    """`off` as text: YAML 1.1 reads it as a boolean, and VPA's API server rejects that boolean."""
    return Sizing.OFF.value if value is False else value


class ProfileSizing(NamedTuple):
    """Default mode and resources of a profile."""

    mode: Sizing
    resources: tuple[Resource, ...]


ADVICE: Final = ProfileSizing(Sizing.OFF, tuple(Resource))

PROFILE_SIZING: Final[Mapping[Profile, ProfileSizing]] = {
    Profile.STATELESS: ADVICE,
    Profile.SESSION: ADVICE,
    Profile.MEMORY: ADVICE,
    Profile.QUEUE: ProfileSizing(Sizing.IN_PLACE, (Resource.MEMORY,)),
    Profile.SINGLETON: ProfileSizing(Sizing.IN_PLACE, tuple(Resource)),
}
"""More replicas do not help the memory of a worker nor a single replica, so only these are resized. Product rule."""


class RightSizing(Model):
    """Right-sizing of one service's replicas; needs the stack's VerticalPodAutoscaler (`vpa`)."""

    mode: Annotated[Sizing | None, BeforeValidator(unquoted_off)] = None
    """Use of the recommendation: `off` publishes it, `initial` applies it to new pods, `in-place` to running pods too.
    Unset: `in-place` for `queue` and `singleton`, otherwise `off`."""

    resources: list[Resource] | None = Field(default=None, min_length=1)
    """`cpu`, `memory` or both. Unless the mode is `off`, the HPA must not scale on the same resource. Unset: those that
    the HPA does not scale on; `queue`: memory."""

    most_cpu: Cores = "2"
    """Largest CPU request that the VPA may set. A server of one process rarely uses more."""

    @field_validator("most_cpu", mode="before")
    @classmethod
    def _accepts_plain_numbers(cls, value: object) -> object:
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


LEAST_CPU: Final = "25m"
"""Least CPU request that the VPA may set, enough for probes and scrapes. Product rule."""

LEAST_MEMORY: Final = "96Mi"
"""Least memory request that the VPA may set; an idle runtime takes 80 MiB (docs/reference/performance.md)."""


def sized(settings: RightSizing, profile: Profile, counted: Collection[Resource]) -> ProfileSizing:
    """Mode and resources of a service whose HPA scales on `counted`; `ADVICE` if none is left."""
    default = PROFILE_SIZING[profile]
    mode = settings.mode or default.mode
    wanted = settings.resources or (default.resources if settings.mode is None else tuple(Resource))
    if mode is Sizing.OFF:
        return ProfileSizing(mode, tuple(wanted))
    left = tuple(resource for resource in wanted if resource not in counted)
    return ProfileSizing(mode, left) if left else ADVICE


COUNTED_BY: Final = {Resource.CPU: "cpu_percent", Resource.MEMORY: "memory_percent"}
"""Field of `scaling:` that makes the HPA scale on a resource."""


def sizing_issues(settings: RightSizing, counted: Collection[Resource]) -> Iterator[Message]:
    """Messages on resources that HPA and VPA would both act on."""
    if settings.mode in {None, Sizing.OFF}:
        return
    both = [resource for resource in settings.resources or () if resource in counted]
    for resource in both:
        yield RESIZED_AND_COUNTED.message(resource=resource, counted_by=COUNTED_BY[resource])
    if settings.resources is None and set(counted) >= set(Resource):
        yield NOTHING_TO_RESIZE.message(mode=settings.mode)
