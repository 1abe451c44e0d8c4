"""Arguments of what one pod of a service accepts: size, number and duration of calls.

Values in, a frozen model and the environment of the runtime out. Not here: limits of a caller at the sidecar
(`tools.<name>.rate`), and what the runtime does with the values (meshed_mcp.contract names them for both sides).
"""

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
"""Part of a pod's memory that bodies may fill; the rest is for the server and for what it makes of them."""


def ends_at_some_time(value: Any) -> Any:
    """`value`, unless it says that sessions never end."""
    if value is None or (value == 0 and not isinstance(value, bool)):
        raise SESSIONS_NEVER_END.error(value="null" if value is None else value, example=contract.SESSION_IDLE_SECONDS)
    return value


class LimitSettings(Model):
    """What one pod accepts; more is refused at once, with an answer that says so."""

    body_bytes: BodyBytes = contract.BODY_BYTES
    """Largest request body in bytes; a larger one is answered 413."""

    read_seconds: int = Field(default=contract.READ_SECONDS, ge=1, le=MAXIMUM_SECONDS)
    """Seconds in which a request's head must arrive, and again its body; a slower one is answered 408."""

    concurrent_calls: Calls = contract.CONCURRENT_CALLS
    """Calls in work at a time; open streams do not count."""

    queued_calls: QueuedCalls = contract.QUEUED_CALLS
    """Calls that may wait for a place; one more is answered 503 at once. 0 = nobody waits."""

    call_seconds: int | None = Field(default=None, ge=1, le=MAXIMUM_SECONDS)
    """Longest call in seconds, its wait included; it is then cancelled and answered with an error. Unset = as long as
    a stopping pod waits for calls: what `drain` leaves. Written, it decides `drain.grace_seconds` where that is not."""

    sessions: Sessions = contract.SESSIONS
    """Open sessions with `legacy: sticky`; the client of one more is answered 503."""

    session_idle_seconds: IdleSeconds = contract.SESSION_IDLE_SECONDS
    """Seconds without any request after which a session ends; with `profile: session`, also how long a replica keeps
    its node from being emptied."""

    argument_depth: ArgumentDepth = contract.ARGUMENT_DEPTH
    """Deepest nesting of arrays and objects in a call's arguments; a deeper one is refused before the tool runs."""

    @field_validator("session_idle_seconds", mode="before")
    @classmethod
    def _ends_sessions(cls, value: Any) -> Any:
        return ends_at_some_time(value)


def check_limits(limits: LimitSettings, drain: Drain, resources: ServerResources) -> None:
    """Raise ValueError, in one line, when the limits do not fit what stops a pod or what it runs on."""
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
    """Variable -> value of what differs from the defaults, which the runtime has too."""
    defaults = LimitSettings()
    return {
        variable: str(getattr(limits, field))
        for field, variable in LIMIT_VARIABLES.items()
        if getattr(limits, field) != getattr(defaults, field)
    }
