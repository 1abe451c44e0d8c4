"""Limits of one process, for both sides: the bounds of each, and the variable that sets it.

A stack sets them (`components/mesh/service/limits_args.py`), the runtime obeys them (`agents/http/limits.py`).
"""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import Field

from meshed_mcp import contract

BodyBytes = Annotated[int, Field(ge=1024, le=2**30)]
Calls = Annotated[int, Field(ge=1, le=100_000)]
QueuedCalls = Annotated[int, Field(ge=0, le=100_000)]
Sessions = Annotated[int, Field(ge=1, le=1_000_000)]
IdleSeconds = Annotated[int, Field(ge=1, le=86_400)]
ArgumentDepth = Annotated[int, Field(ge=1, le=150)]
"""The SDK's JSON parsers give up at 200."""

MAXIMUM_SECONDS: Final = 3600
"""Of one call, and of reading one request. A stack sets whole seconds, the runtime takes fractions too."""

LIMIT_VARIABLES: Final[Mapping[str, str]] = {
    "body_bytes": contract.ENV_BODY_BYTES,
    "read_seconds": contract.ENV_READ_SECONDS,
    "concurrent_calls": contract.ENV_CONCURRENT_CALLS,
    "queued_calls": contract.ENV_QUEUED_CALLS,
    "call_seconds": contract.ENV_CALL_SECONDS,
    "sessions": contract.ENV_SESSIONS,
    "session_idle_seconds": contract.ENV_SESSION_IDLE_SECONDS,
    "argument_depth": contract.ENV_ARGUMENT_DEPTH,
}
"""Field of the models on both sides -> variable of the runtime's environment."""
