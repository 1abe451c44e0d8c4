"""Arguments of what one pod of a service accepts: size, number and duration of requests."""

from typing import Any, Final

from pydantic import Field, field_validator

from meshed_mcp import contract
from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.quantity import memory_bytes
from meshed_mcp.components.mesh.service.container_args import Drain, ServerResources
from meshed_mcp.contract.limits import (
    LIMIT_VARIABLES,
    MAXIMUM_SECONDS,
    ArgumentDepth,
    BodyBytes,
    Calls,
    IdleSeconds,
    QueuedCalls,
    Sessions,
)
from meshed_mcp.error_codes.service import BODIES_FILL_MEMORY, CALL_LONGER_THAN_DRAIN, SESSIONS_NEVER_END

BODIES_SHARE: Final = 0.5
"""Share of the memory limit that request bodies may fill; the rest is for the server."""


class LimitSettings(Model):
    """Limits of one pod; it rejects requests above them at once."""

    body_bytes: BodyBytes = contract.BODY_BYTES
    """Largest request body in bytes; larger ones get 413."""

    read_seconds: int = Field(default=contract.READ_SECONDS, ge=1, le=MAXIMUM_SECONDS)
    """Seconds for reading the headers of a request, and again for its body; slower ones get 408."""

    concurrent_calls: Calls = contract.CONCURRENT_CALLS
    """Concurrency limit: requests in flight, without open streams."""

    queued_calls: QueuedCalls = contract.QUEUED_CALLS
    """Requests that wait for a concurrency slot; further ones get 503 at once. 0 = no queue."""

    call_seconds: int | None = Field(default=None, ge=1, le=MAXIMUM_SECONDS)
    """Deadline of a call in seconds, queueing included; the server then cancels it and responds with an error. Unset =
    the time that `drain` leaves for calls. If set, the default of `drain.grace_seconds` follows from it."""

    sessions: Sessions = contract.SESSIONS
    """Open sessions with `legacy: sticky`; further ones get 503."""

    session_idle_seconds: IdleSeconds = contract.SESSION_IDLE_SECONDS
    """Idle time-out of a session in seconds; with `profile: session`, also how long a replica protects its node from
    consolidation."""

    argument_depth: ArgumentDepth = contract.ARGUMENT_DEPTH
    """Maximum nesting of arrays and objects in tool arguments; deeper ones are rejected before the tool runs."""

    @field_validator("session_idle_seconds", mode="before")
    @classmethod
    def _ends_sessions(cls, value: Any) -> Any:
        if value is None or (value == 0 and not isinstance(value, bool)):
            shown = "null" if value is None else value
            raise SESSIONS_NEVER_END.error(value=shown, example=contract.SESSION_IDLE_SECONDS)
        return value


def validate_limits(limits: LimitSettings, drain: Drain, resources: ServerResources) -> None:
    """Raise ValueError when the limits do not fit the grace period or the memory limit."""
    longest = contract.longest_call_seconds(drain.pre_stop_delay_seconds, drain.grace_seconds)
    if limits.call_seconds is not None and limits.call_seconds > longest:
        raise CALL_LONGER_THAN_DRAIN.error(
            call_seconds=limits.call_seconds, longest=longest, least=limits.call_seconds + drain.grace_seconds - longest
        )
    share = int(BODIES_SHARE * memory_bytes(resources.memory_limit))
    if contract.BODIES_HELD * limits.body_bytes > share:
        raise BODIES_FILL_MEMORY.error(
            body_bytes=limits.body_bytes,
            bodies=contract.BODIES_HELD,
            memory_limit=resources.memory_limit,
            most=share // contract.BODIES_HELD,
        )


def limits_environment(limits: LimitSettings) -> dict[str, str]:
    """Variable -> value of the limits that differ from the defaults, which the runtime shares."""
    defaults = LimitSettings()
    return {
        variable: str(getattr(limits, field))
        for field, variable in LIMIT_VARIABLES.items()
        if getattr(limits, field) != getattr(defaults, field)
    }
