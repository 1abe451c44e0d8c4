"""Limits of one replica: defaults, bounds, and the environment variable of each.

A stack sets them (`components/mesh/service/limits_args.py`), the runtime enforces them (`agents/http/limits.py`).
"""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import Field

from meshed_mcp.contract import environment

CLOSING_SECONDS: Final = 2.0
"""End of the grace period that is reserved for closing connections and the application's clean-up after the last call.
The process does not start unless the grace period is longer than the pre-stop delay and this together."""

BODY_BYTES: Final = 4 * 1024 * 1024
"""Largest request body. Source: default `max_request_body_size` of the official SDK 2.3."""

BODIES_HELD: Final = 16
"""Memory limit for all request bodies of a replica, in bodies of the largest size: 64 MiB by default."""

READ_SECONDS: Final = 30
"""Longest time for a request's head to arrive, and again for its body: 4 MiB in 30 s is 1.1 Mbit/s."""

CONCURRENT_CALLS: Final = 100
"""Concurrency limit of a replica."""

QUEUED_CALLS: Final = 100
"""Length of the queue for a concurrency slot. A replica with a full queue responds with 503 at once, so that the client
retries on another replica."""

SESSIONS: Final = 10_000
"""Most sessions of clients up to 2025-11-25 in a replica. Source: default `max_sessions` of the official SDK 2.3."""

SESSION_IDLE_SECONDS: Final = 30 * 60
"""A session without requests for this long ends; its id then gets 404. Source: official SDK 2.3, default
`session_idle_timeout`."""

ARGUMENT_DEPTH: Final = 64
"""Deepest nesting of arrays and objects in a call's parameters. The SDK's two JSON parsers fail at 200 and at about
900; recursive code of a tool fails before."""

BodyBytes = Annotated[int, Field(ge=1024, le=2**30)]
Calls = Annotated[int, Field(ge=1, le=100_000)]
QueuedCalls = Annotated[int, Field(ge=0, le=100_000)]
Sessions = Annotated[int, Field(ge=1, le=1_000_000)]
IdleSeconds = Annotated[int, Field(ge=1, le=86_400)]
ArgumentDepth = Annotated[int, Field(ge=1, le=150)]

MAXIMUM_SECONDS: Final = 3600
"""Longest setting for one call and for reading one request. A stack sets whole seconds, the runtime takes fractions."""

LIMIT_VARIABLES: Final[Mapping[str, str]] = {
    "body_bytes": environment.ENV_BODY_BYTES,
    "read_seconds": environment.ENV_READ_SECONDS,
    "concurrent_calls": environment.ENV_CONCURRENT_CALLS,
    "queued_calls": environment.ENV_QUEUED_CALLS,
    "call_seconds": environment.ENV_CALL_SECONDS,
    "sessions": environment.ENV_SESSIONS,
    "session_idle_seconds": environment.ENV_SESSION_IDLE_SECONDS,
    "argument_depth": environment.ENV_ARGUMENT_DEPTH,
}
"""Field of the models on both sides -> environment variable."""


def longest_call_seconds(pre_stop_delay_seconds: float, grace_seconds: float) -> float:
    """Longest call in seconds that a stopping replica never cancels, whenever the stop begins."""
    return grace_seconds - pre_stop_delay_seconds - CLOSING_SECONDS
