"""Arguments of injected faults: which calls are delayed or aborted, how many of them, and for how long at most.

Stack keys in, frozen models out. Not here: the rules of a route (faults.py); where faults may be used at all and which
windows are open, which the program decides (infra/experiments.py).
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator, Field, field_validator, model_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import DNS_LABEL, listed
from meshed_mcp.components.mesh.access_args import EVERY_OTHER_TOOL, tool_names

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
            raise ValueError(f"ends at {self.end}, not after its start {self.start}; write a later end")
        if length > timedelta(hours=MAX_WINDOW_HOURS):
            hours = length / timedelta(hours=1)
            raise ValueError(f"is {hours:g} h long; write an end at most {MAX_WINDOW_HOURS} h after its start")
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
        raise ValueError(f"{value!r} is no time with an offset; write one such as '2026-11-21T10:00:00Z', in quotes")
    return found.astimezone(UTC)


class Fault(Model):
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
            raise ValueError("'*' is no tool; name one, or leave the field out for every request")
        if value is not None:
            tool_names([value])
        return value

    @model_validator(mode="after")
    def _does_something(self) -> "Fault":
        if self.delay_seconds is None and self.abort_status is None:
            raise ValueError("does nothing; add delay_seconds, abort_status or both")
        return self


FaultNames = TypeVar("FaultNames", bound=Mapping[str, object])


def fault_names(faults: FaultNames) -> FaultNames:
    """The same. Raises ValueError for keys that cannot be a header's value and part of a rule's name."""
    bad = [name for name in faults if re.fullmatch(DNS_LABEL, name) is None or len(name) > MAX_FAULT_NAME]
    if bad:
        raise ValueError(
            f"{listed(bad)} cannot name a fault; write at most {MAX_FAULT_NAME} lower-case letters, digits and '-', "
            "such as 'slow-search'"
        )
    return faults


FaultsByName = Annotated[dict[str, Fault], AfterValidator(fault_names)]
"""Faults, by names that a header can carry."""
