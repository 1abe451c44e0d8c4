"""Error responses in place of the application, and the counter of requests that are rejected before the SDK."""

import json
from typing import Final

import mcp_types
from prometheus_client import CollectorRegistry, Counter
from starlette.responses import PlainTextResponse

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

RETRY: Final = {"Retry-After": "1"}
"""Seconds. The endpoints have been updated before the first rejection, so the retry reaches another replica."""

STOPPING: Final = PlainTextResponse(
    "This server is stopping. Send the request again: it was not executed.\n", 503, headers=RETRY
)
SESSION_ENDED: Final = PlainTextResponse(
    "This session ends with its replica. Begin a new one with initialize: the request was not executed.\n", 404
)
"""Source: MCP 2025-11-25, "Session Management": the client starts a new session after 404."""

SESSION_MOVES: Final = PlainTextResponse(
    "This replica is stopping, and another one takes over the session. Send the request again: it was not executed.\n",
    503,
    headers={**RETRY, contract.CONNECT_FAILURE_HEADER: "true"},
)
"""For sessions in Redis. The caller's proxy, which gets the header, sends the request to another replica itself."""

OVERLOADED: Final = PlainTextResponse(
    "This server is at its concurrency limit. Send the request again: it was not executed.\n", 503, headers=RETRY
)
"""Source: RFC 9110, section 15.6.4, Service Unavailable."""

MISDIRECTED: Final = PlainTextResponse(
    "This server does not serve that Host. Its operator can add the name to "
    f"{contract.setting(contract.ENV_ALLOWED_HOSTS)}. The URLs of an ingress outside the stack belong in "
    f"{contract.setting(contract.ENV_PUBLIC_URLS)}.\n",
    421,
)
"""Source: RFC 9110, section 15.5.20, Misdirected Request; the check is a defense against DNS rebinding."""

FOREIGN_ORIGIN: Final = PlainTextResponse(
    "This server does not serve pages of that Origin. Its operator can add the origin to "
    f"{contract.setting(contract.ENV_ALLOWED_ORIGINS)}.\n",
    403,
)
"""Source: MCP 2026-07-28, Streamable HTTP, "Security Warning": 403 for an invalid Origin."""

TOO_LARGE: Final = PlainTextResponse(
    "The body is larger than this server accepts. Its operator can raise "
    f"{contract.setting(contract.ENV_BODY_BYTES)}.\n",
    413,
)
"""Source: RFC 9110, section 15.5.14, Content Too Large."""

TOO_SLOW: Final = PlainTextResponse(
    f"The request did not arrive in time. Its operator can raise {contract.setting(contract.ENV_READ_SECONDS)}.\n",
    408,
    headers={"Connection": "close"},
)
"""Source: RFC 9110, section 15.5.9, Request Timeout."""

CANCELLED: Final = PlainTextResponse("The server stopped before the request ended. It may have taken effect.\n", 500)
OVERDUE: Final = PlainTextResponse(
    "The request took longer than this server allows. It may have taken effect. Its operator can raise "
    f"{contract.setting(contract.ENV_CALL_SECONDS)}.\n",
    500,
)


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
