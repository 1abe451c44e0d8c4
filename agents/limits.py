"""What one replica accepts: size, number and duration of calls, and how deep their arguments nest.

In: values of the environment (settings.py reads them). Out: `Limits`, and the rules on a request that need no process.
Not here: who waits, who is refused (admission.py), the deadline of a call in work (call_limits.py).
"""

from collections.abc import Mapping
from typing import Any, Final

from mcp.shared.inbound import MCP_METHOD_HEADER, MCP_PROTOCOL_VERSION_HEADER
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from pydantic import BaseModel, Field
from pydantic_core import from_json
from starlette.datastructures import Headers
from starlette.types import Scope

from meshed_mcp import contract

LISTEN_METHOD: Final = "subscriptions/listen"

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


class Limits(BaseModel):
    """Limits of one process; the bounds are those of `components/mesh/limits_args.py`, where a stack writes them."""

    body_bytes: int = Field(
        contract.BODY_BYTES, ge=1024, le=2**30, description="bytes from 1024 to 1073741824, as 4194304"
    )
    read_seconds: float = Field(
        contract.READ_SECONDS, gt=0, le=3600, allow_inf_nan=False, description="seconds above 0 up to 3600, as 30"
    )
    concurrent_calls: int = Field(
        contract.CONCURRENT_CALLS, ge=1, le=100_000, description="a number of calls from 1 to 100000"
    )
    queued_calls: int = Field(contract.QUEUED_CALLS, ge=0, le=100_000, description="a number of calls from 0 to 100000")
    call_seconds: float | None = Field(
        None, gt=0, le=3600, allow_inf_nan=False, description="seconds above 0 up to 3600, as 60 or 0.5"
    )
    sessions: int = Field(contract.SESSIONS, ge=1, le=1_000_000, description="a number of sessions from 1 to 1000000")
    session_idle_seconds: int = Field(
        contract.SESSION_IDLE_SECONDS, ge=1, le=86_400, description="seconds from 1 to 86400, as 1800"
    )
    argument_depth: int = Field(contract.ARGUMENT_DEPTH, ge=1, le=150, description="a depth from 1 to 150")


def nests_deeper(value: Any, depth: int) -> bool:
    """Whether arrays and objects nest deeper than `depth` in a decoded JSON value; a scalar has depth 0.

    Goes level by level, without recursion: the value's depth is a stranger's choice.
    >>> nests_deeper({"a": [1]}, 2), nests_deeper({"a": [1]}, 1)
    (False, True)
    """
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(depth):
        if not level:
            return False
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
    return bool(level)


def brackets(body: bytes) -> int:
    """How many objects and arrays a JSON text can hold at most, so how deep it can nest; those in texts count too.

    >>> brackets(b'{"a": [1, "["]}')
    3
    """
    return body.count(b"{") + body.count(b"[")


def needs_no_place(scope: Scope, body: bytes) -> bool:
    """Whether a request to the MCP endpoint is served although every place is taken.

    Streams are: they wait, others work. So are the answers and notifications of a client up to 2025-11-25: a call that
    holds a place may be waiting for just this one. A header that contradicts its body is the SDK's to refuse.
    """
    if scope["path"] != contract.MCP_PATH:
        return False
    headers = Headers(scope=scope)
    if scope["method"] != "POST":
        return "text/event-stream" in headers.get("accept", "")
    version = headers.get(MCP_PROTOCOL_VERSION_HEADER)
    if version is not None and version not in HANDSHAKE_PROTOCOL_VERSIONS:
        return headers.get(MCP_METHOD_HEADER) == LISTEN_METHOD
    try:
        message = from_json(body)
    except ValueError:
        return False
    return isinstance(message, dict) and not ("method" in message and "id" in message)
