"""What a stack says about the size of replicas: who brings the VerticalPodAutoscaler, and what it may do for a service.

Values in, frozen models out. Not here: the objects made of them (`manifests.py`), the number of replicas
(`scaling_args.py`). Never both on one resource: an HPA adds replicas because CPU is short against the request, a VPA
raises the request for the same reason, and each undoes the other. Source: Kubernetes, VPA, "Known limitations".
"""

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from meshed_mcp.components.autoscaling.profiles import Profile
from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import namespace_name
from meshed_mcp.components.core.quantity import cpu_millicores
from meshed_mcp.error_codes.autoscaling import NOTHING_TO_RESIZE, RESIZED_AND_COUNTED
from meshed_mcp.error_codes.code import Message


class VpaInstall(StrEnum):
    """Who brings the VerticalPodAutoscaler."""

    NONE = "none"
    """Nobody: replicas keep the requests that the stack writes."""

    EXISTING = "existing"
    """The cluster has it."""

    RELEASE = "release"
    """The official chart, pinned."""


class VpaSettings(Model):
    """The VerticalPodAutoscaler, once per cluster."""

    install: VpaInstall = VpaInstall.NONE
    """Who brings it: `none`, the cluster (`existing`), or this program as a pinned `release`."""

    namespace: Annotated[str, AfterValidator(namespace_name)] = "vpa"
    """Namespace of its controllers, made by the stack."""

    replicas: int = Field(default=2, ge=1, le=5)
    """Recommenders, updaters and admission controllers, each. Source: the chart's default."""


class Sizing(StrEnum):
    """What the VerticalPodAutoscaler may do with its recommendation."""

    OFF = "off"
    """Publish it, for people and panels."""

    INITIAL = "initial"
    """Give it to new pods."""

    IN_PLACE = "in-place"
    """Resize running pods; where a node has no room, replace them one by one, within their disruption budget."""


class Resource(StrEnum):
    """What can be sized."""

    CPU = "cpu"
    MEMORY = "memory"


def unquoted_off(value: Any) -> Any:
    """`off` as it was meant: YAML 1.1 reads it as a boolean, and VPA's API server refuses that boolean."""
    return Sizing.OFF.value if value is False else value


class ProfileSizing(NamedTuple):
    """What a profile sizes by itself."""

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
"""Where replicas come and go, the recommendation is advice; a worker's memory and a single replica cannot be helped by
more replicas, so they are resized. Product rule."""


class RightSizing(Model):
    """The size of one service's replicas; takes effect where the stack has a VerticalPodAutoscaler (`vpa`)."""

    mode: Annotated[Sizing | None, BeforeValidator(unquoted_off)] = None
    """What becomes of the recommendation: `off` = advice alone, `initial` = for new pods, `in-place` = for running ones
    too. Unset: `in-place` for `queue` and `singleton`, else `off`."""

    resources: list[Resource] | None = Field(default=None, min_length=1)
    """`cpu`, `memory` or both; never one that the autoscaler counts, unless the mode is `off`. Unset: those that the
    autoscaler does not count; `queue`: memory."""

    most_cpu: str = "2"
    """The largest CPU request it may set. A server of one process rarely uses more."""

    @field_validator("most_cpu", mode="before")
    @classmethod
    def _accepts_plain_numbers(cls, value: object) -> object:
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value

    @field_validator("most_cpu")
    @classmethod
    def _is_cpu(cls, value: str) -> str:
        cpu_millicores(value)
        return value


LEAST_CPU: Final = "25m"
"""Least CPU request it may set: what keeps probes and scrapes answered. Product rule."""

LEAST_MEMORY: Final = "96Mi"
"""Least memory request it may set: a runtime without load takes 80 MiB (docs/reference/performance.md)."""


def sized(settings: RightSizing, profile: Profile, counted: Collection[Resource]) -> ProfileSizing:
    """Mode and resources for a service whose autoscaler counts `counted`; none left means advice on both."""
    default = PROFILE_SIZING[profile]
    mode = settings.mode or default.mode
    wanted = settings.resources or (default.resources if settings.mode is None else tuple(Resource))
    if mode is Sizing.OFF:
        return ProfileSizing(mode, tuple(wanted))
    left = tuple(resource for resource in wanted if resource not in counted)
    return ProfileSizing(mode, left) if left else ADVICE


COUNTED_BY: Final = {Resource.CPU: "cpu_percent", Resource.MEMORY: "memory_percent"}
"""Fields of `scaling:` by which an autoscaler counts a resource."""


def sizing_issues(settings: RightSizing, counted: Collection[Resource]) -> Iterator[Message]:
    """Sentences on resources that an autoscaler counts and that are to be resized as well."""
    if settings.mode in {None, Sizing.OFF}:
        return
    both = [resource for resource in settings.resources or () if resource in counted]
    for resource in both:
        yield RESIZED_AND_COUNTED.message(resource=resource, counted_by=COUNTED_BY[resource])
    if settings.resources is None and set(counted) >= set(Resource):
        yield NOTHING_TO_RESIZE.message(mode=settings.mode)
