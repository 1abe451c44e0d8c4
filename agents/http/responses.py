"""Error responses of a replica in place of its application, one ASGI application for each reason."""

from typing import Final

from starlette.responses import PlainTextResponse

from meshed_mcp import contract

RETRY: Final = {"Retry-After": "1"}
"""Seconds. The endpoints have been updated before the first rejection, so the retry reaches another replica."""

STOPPING: Final = PlainTextResponse(
    "This server is stopping. Send the request again: it was not executed.\n", 503, headers=RETRY
)
SESSION_ENDED: Final = PlainTextResponse(
    "This session ends with its replica. Begin a new one with initialize: the request was not executed.\n", 404
)
"""Source: MCP 2025-11-25, "Session Management": the client starts a new session after 404."""

OVERLOADED: Final = PlainTextResponse(
    "This server is at its concurrency limit. Send the request again: it was not executed.\n", 503, headers=RETRY
)
"""Source: RFC 9110, section 15.6.4, Service Unavailable."""

MISDIRECTED: Final = PlainTextResponse(
    f"This server does not serve that Host. Its operator can add the name to {contract.ENV_ALLOWED_HOSTS}.\n", 421
)
"""Source: RFC 9110, section 15.5.20, Misdirected Request; the check is a defense against DNS rebinding."""

TOO_LARGE: Final = PlainTextResponse(
    f"The body is larger than this server accepts. Its operator can raise {contract.ENV_BODY_BYTES}.\n", 413
)
"""Source: RFC 9110, section 15.5.14, Content Too Large."""

TOO_SLOW: Final = PlainTextResponse(
    f"The request did not arrive in time. Its operator can raise {contract.ENV_READ_SECONDS}.\n",
    408,
    headers={"Connection": "close"},
)
"""Source: RFC 9110, section 15.5.9, Request Timeout."""

CANCELLED: Final = PlainTextResponse("The server stopped before the request ended. It may have taken effect.\n", 500)
OVERDUE: Final = PlainTextResponse(
    f"The request took longer than this server allows ({contract.ENV_CALL_SECONDS}). It may have taken effect.\n", 500
)
