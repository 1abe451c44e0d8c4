"""Arguments of fault injection: affected requests, share, delay, abort and time window."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator, Field, field_validator, model_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import DNS_LABEL, listed
from meshed_mcp.components.mesh.authorization.tool_policy_args import EVERY_OTHER_TOOL, tool_names
from meshed_mcp.error_codes import service as codes

MAX_WINDOW_HOURS: Final = 24
"""Product rule: the team that starts an experiment observes it."""

MAX_FAULT_NAME: Final = 40
"""Longest name; it is part of rule names, statistics and traces."""


def parse_time(value: str) -> datetime:
    """A time with an offset, in UTC. Raises ValueError."""
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        found = datetime.min  # noqa: DTZ901 - stands for "no time with an offset"
    if found.tzinfo is None:
        raise codes.INVALID_TIME.error(value=value)
    return found.astimezone(UTC)


def _rfc3339(value: str) -> str:
    parse_time(value)
    return value


RFC3339Time = Annotated[str, AfterValidator(_rfc3339)]
"""A time with an offset."""


class Window(Model):
    """Time window of a fault injection: from `start` to before `end`, at most 24 hours."""

    start: RFC3339Time
    """RFC 3339 time with offset: "2026-11-21T10:00:00Z"."""

    end: RFC3339Time
    """RFC 3339 time with offset. The first `pulumi up` after it removes the fault injection."""

    @model_validator(mode="after")
    def _is_within_maximum(self) -> "Window":
        length = parse_time(self.end) - parse_time(self.start)
        if length <= timedelta(0):
            raise codes.WINDOW_ENDS_BEFORE_START.error(end=self.end, start=self.start)
        if length > timedelta(hours=MAX_WINDOW_HOURS):
            hours = length / timedelta(hours=1)
            raise codes.WINDOW_TOO_LONG.error(hours=hours, most=MAX_WINDOW_HOURS)
        return self

    def contains(self, now: datetime) -> bool:
        """Whether the window is open."""
        return parse_time(self.start) <= now < parse_time(self.end)

    def has_ended(self, now: datetime) -> bool:
        """Whether the window is over."""
        return parse_time(self.end) <= now

    def overlaps(self, other: "Window") -> bool:
        """Whether the two windows overlap."""
        return parse_time(self.start) < parse_time(other.end) and parse_time(other.start) < parse_time(self.end)


class FaultInjection(Model):
    """A delay, an abort or both, for a share of the requests."""

    tool: str | None = None
    """Tool whose calls are affected, from clients of 2026-07-28; unset = every request of the service."""

    percent: float = Field(default=100.0, gt=0, le=100)
    """Share of those requests in percent, drawn independently for delay and abort."""

    delay_seconds: float | None = Field(default=None, ge=0.001, le=300)
    """Delay in the caller's proxy, in seconds."""

    abort_status: int | None = Field(default=None, ge=400, le=599)
    """HTTP status of aborted requests, which do not reach the server."""

    window: Window | None = None
    """Time window; required in production stacks. Unset = while it is in the stack file."""

    @field_validator("tool")
    @classmethod
    def _is_one_tool(cls, value: str | None) -> str | None:
        if value == EVERY_OTHER_TOOL:
            raise codes.FAULT_FOR_EVERY_TOOL.error()
        if value is not None:
            tool_names([value])
        return value

    @model_validator(mode="after")
    def _has_an_effect(self) -> "FaultInjection":
        if self.delay_seconds is None and self.abort_status is None:
            raise codes.FAULT_WITHOUT_EFFECT.error()
        return self


FaultNames = TypeVar("FaultNames", bound=Mapping[str, object])


def fault_names(faults: FaultNames) -> FaultNames:
    """Faults with names that are valid as header values and in rule names."""
    bad = [name for name in faults if re.fullmatch(DNS_LABEL, name) is None or len(name) > MAX_FAULT_NAME]
    if bad:
        raise codes.INVALID_FAULT_NAME.error(names=listed(bad), most=MAX_FAULT_NAME)
    return faults


FaultsByName = Annotated[dict[str, FaultInjection], AfterValidator(fault_names)]
"""Name -> fault injection."""
