"""Arguments of injected faults: which calls are delayed or aborted, how many of them, and for how long at most.

Stack keys in, frozen models out. Not here: the rules of a route (fault_injection.py); where faults may be used at all
and which windows are open, which the program decides (infra/planning/experiments.py).
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator, Field, field_validator, model_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import DNS_LABEL, listed
from meshed_mcp.components.mesh.authorization.tool_policy_args import EVERY_OTHER_TOOL, tool_names
from meshed_mcp.error_codes.service import (
    FAULT_FOR_EVERY_TOOL,
    FAULT_WITHOUT_EFFECT,
    INVALID_FAULT_NAME,
    INVALID_TIME,
    WINDOW_ENDS_BEFORE_START,
    WINDOW_TOO_LONG,
)

MAX_WINDOW_HOURS: Final = 24
"""Product rule: an experiment is watched by those who began it."""

MAX_FAULT_NAME: Final = 40
"""Keeps names of rules readable; they are part of statistics and traces."""


class Window(Model):
    """When faults are on: from `start` until before `end`, at most 24 hours."""

    start: str
    """Time with its offset, as in RFC 3339: "2026-11-21T10:00:00Z"."""

    end: str
    """Time with its offset, as in RFC 3339. The faults end with the first `pulumi up` after it, not by themselves."""

    @field_validator("start", "end")
    @classmethod
    def _is_time(cls, value: str) -> str:
        moment(value)
        return value

    @model_validator(mode="after")
    def _is_short(self) -> "Window":
        length = moment(self.end) - moment(self.start)
        if length <= timedelta(0):
            raise WINDOW_ENDS_BEFORE_START.error(end=self.end, start=self.start)
        if length > timedelta(hours=MAX_WINDOW_HOURS):
            hours = length / timedelta(hours=1)
            raise WINDOW_TOO_LONG.error(hours=hours, most=MAX_WINDOW_HOURS)
        return self

    def holds(self, now: datetime) -> bool:
        """Whether it is open."""
        return moment(self.start) <= now < moment(self.end)

    def ended(self, now: datetime) -> bool:
        """Whether it is over."""
        return moment(self.end) <= now

    def meets(self, other: "Window") -> bool:
        """Whether both are open at some time."""
        return moment(self.start) < moment(other.end) and moment(other.start) < moment(self.end)


def moment(value: str) -> datetime:
    """A time with an offset. Raises ValueError."""
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        found = datetime.min  # noqa: DTZ901 - stands for "no time with an offset"
    if found.tzinfo is None:
        raise INVALID_TIME.error(value=value)
    return found.astimezone(UTC)


class FaultInjection(Model):
    """What happens to some calls: a delay before they go on, an error in place of their answer, or both."""

    tool: str | None = None
    """Calls of this tool alone, by clients of 2026-07-28; unset = every request to the service."""

    percent: float = Field(default=100.0, gt=0, le=100)
    """Percent of those requests, drawn for each by itself, and for delay and abort each by itself."""

    delay_seconds: float | None = Field(default=None, ge=0.001, le=300)
    """How long a request waits in the caller's proxy."""

    abort_status: int | None = Field(default=None, ge=400, le=599)
    """HTTP status that the caller gets; the request does not reach the server."""

    window: Window | None = None
    """When; unset = for as long as it is written here, which production stacks do not take."""

    @field_validator("tool")
    @classmethod
    def _is_one_tool(cls, value: str | None) -> str | None:
        if value == EVERY_OTHER_TOOL:
            raise FAULT_FOR_EVERY_TOOL.error()
        if value is not None:
            tool_names([value])
        return value

    @model_validator(mode="after")
    def _does_something(self) -> "FaultInjection":
        if self.delay_seconds is None and self.abort_status is None:
            raise FAULT_WITHOUT_EFFECT.error()
        return self


FaultNames = TypeVar("FaultNames", bound=Mapping[str, object])


def fault_names(faults: FaultNames) -> FaultNames:
    """The same. Raises ValueError for keys that cannot be a header's value and part of a rule's name."""
    bad = [name for name in faults if re.fullmatch(DNS_LABEL, name) is None or len(name) > MAX_FAULT_NAME]
    if bad:
        raise INVALID_FAULT_NAME.error(names=listed(bad), most=MAX_FAULT_NAME)
    return faults


FaultsByName = Annotated[dict[str, FaultInjection], AfterValidator(fault_names)]
"""Faults, by names that a header can carry."""
