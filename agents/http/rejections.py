"""Counter of requests that were rejected without being executed, by reason; the SDK's middleware never sees them."""

import json
from typing import Final

import mcp_types
from prometheus_client import CollectorRegistry, Counter

from meshed_mcp import contract

DRAINING: Final = "draining"  # the replica is stopping
OVERLOAD: Final = "overload"  # no concurrency slot was free, and the queue was full or took too long
SIZE: Final = "size"  # the body is too large
SLOW: Final = "slow"  # head or body did not arrive in time
MALFORMED: Final = "malformed"  # the request is not HTTP, not JSON, or not JSON-RPC

BY_STATUS: Final = {
    401: "auth",
    403: "auth",
    406: "media",
    408: SLOW,
    413: SIZE,
    415: "media",
    421: "host",
    429: "rate",
    503: OVERLOAD,
}
"""HTTP status -> reason, for statuses with one meaning. Source: RFC 9110, section 15; MCP, "Streamable HTTP"."""

BY_CODE: Final = {
    mcp_types.PARSE_ERROR: MALFORMED,
    mcp_types.INVALID_REQUEST: MALFORMED,
    mcp_types.INVALID_PARAMS: "params",
    mcp_types.HEADER_MISMATCH: "header",
    mcp_types.UNSUPPORTED_PROTOCOL_VERSION: "version",
}
"""JSON-RPC code of a 400 response -> reason. Source: MCP 2026-07-28, "Error Codes"."""

SESSION: Final = "session"
"""The replica does not have the session that a client up to 2025-11-25 names: 404 with a JSON-RPC error."""

REASONS: Final = frozenset({*BY_STATUS.values(), *BY_CODE.values(), SESSION, DRAINING})
READ_STATUSES: Final = frozenset({400, 404})  # statuses whose body gives the reason
READ_BYTES: Final = 4096  # longest body that is parsed; the SDK's errors are shorter


class Rejections:
    """The counter, with every reason at zero from the start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            contract.METRIC_REJECTED, "Requests rejected without being executed.", ("reason",), registry=registry
        )
        for reason in REASONS:
            self._requests.labels(reason)

    def count(self, reason: str) -> None:
        """Count one rejected request; "" is none."""
        if reason:
            self._requests.labels(reason).inc()


def reason_for(status: int, body: bytes) -> str:
    """Return why a response with this status and (start of a) body is a rejection; "" if it is none or unknown."""
    if status not in READ_STATUSES:
        return BY_STATUS.get(status, "")
    code = _error_code(body)
    if status == 404:  # noqa: PLR2004 - Not Found
        return SESSION if code == mcp_types.INVALID_REQUEST else ""
    return BY_CODE.get(code, "") if code is not None else ""


def _error_code(body: bytes) -> int | None:
    if len(body) > READ_BYTES:
        return None
    try:
        match json.loads(body):
            case {"error": {"code": int(code)}}:
                return code
    except ValueError:
        pass
    return None
