"""Limits of one replica, and the checks on a request that need no state of the process: depth and slot."""

from collections.abc import Iterable
from typing import Annotated, Any, Final

from mcp.shared.inbound import MCP_METHOD_HEADER, MCP_PROTOCOL_VERSION_HEADER
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from pydantic import BaseModel, Field
from pydantic_core import from_json
from starlette.datastructures import Headers
from starlette.types import Scope

from meshed_mcp import contract
from meshed_mcp.agents.http.public_urls import route_path
from meshed_mcp.contract import limits
from meshed_mcp.contract.limits import MAXIMUM_SECONDS

LISTEN_METHOD: Final = "subscriptions/listen"

Seconds = Annotated[float, Field(gt=0, le=MAXIMUM_SECONDS, allow_inf_nan=False)]


class Limits(BaseModel):
    """Limits of one process; a stack sets them with `components/mesh/service/limits_args.py`."""

    body_bytes: limits.BodyBytes = Field(
        contract.BODY_BYTES, description="bytes from 1024 to 1073741824, such as 4194304"
    )
    read_seconds: Seconds = Field(contract.READ_SECONDS, description="seconds above 0 up to 3600, such as 30")
    concurrent_calls: limits.Calls = Field(contract.CONCURRENT_CALLS, description="a number of calls from 1 to 100000")
    queued_calls: limits.QueuedCalls = Field(contract.QUEUED_CALLS, description="a number of calls from 0 to 100000")
    call_seconds: Seconds | None = Field(None, description="seconds above 0 up to 3600, such as 60 or 0.5")
    sessions: limits.Sessions = Field(contract.SESSIONS, description="a number of sessions from 1 to 1000000")
    session_idle_seconds: limits.IdleSeconds = Field(
        contract.SESSION_IDLE_SECONDS, description="seconds from 1 to 86400, such as 1800"
    )
    argument_depth: limits.ArgumentDepth = Field(contract.ARGUMENT_DEPTH, description="a depth from 1 to 150")


def nests_deeper(value: Any, depth: int) -> bool:
    """Whether arrays and objects nest deeper than `depth` in a decoded JSON value; a scalar has depth 0.

    Not recursive, because the client chooses the depth.
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


def nesting_bound(body: bytes) -> int:
    """Return an upper bound of the nesting depth of a JSON text: its opening brackets, those in strings included.

    >>> nesting_bound(b'{"a": [1, "["]}')
    3
    """
    return body.count(b"{") + body.count(b"[")


def bypasses_limit(scope: Scope, body: bytes, path: str = contract.MCP_PATH) -> bool:
    """Whether a request to the MCP endpoint at `path` is served without a concurrency slot when all slots are taken.

    Streams are, because they wait for other calls. So are responses and notifications of clients up to 2025-11-25: a
    call that holds a slot may wait for this one. The SDK rejects a header that contradicts its body.
    """
    if route_path(scope) != path:
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


def header_value(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    """Return the first value of the lower-case field `name`; "" if it is missing.

    Takes a third of the time of Starlette's `Headers`; each call needs three fields.

    >>> header_value([(b"host", b"mcp-rag:8000")], b"host")
    'mcp-rag:8000'
    """
    for key, value in headers:
        if key == name:
            return value.decode("latin-1")
    return ""
