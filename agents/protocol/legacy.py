"""Clients of MCP revisions up to 2025-11-25: session options of the SDK, rejection with `legacy: off`."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from mcp.server.auth.middleware.bearer_auth import RequireAuthMiddleware
from mcp.shared.inbound import MCP_PROTOCOL_VERSION_HEADER, unsupported_protocol_version_rejection
from mcp_types import HEADER_MISMATCH, ErrorData, JSONRPCError
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from meshed_mcp import contract

MAX_REJECTED_BYTES: Final = 64 * 1024
"""Longest rejected request that is parsed for its id; the error of a longer one has no id."""

SESSION_METHODS: Final = frozenset({"GET", "DELETE"})
"""Methods that only sessions need. Source: MCP 2026-07-28, "Earlier Streamable HTTP Revisions"."""


def session_options(legacy: contract.Legacy, idle_seconds: float) -> Mapping[str, Any]:
    """Return the session arguments of the SDK's `streamable_http_app`; a session idle for `idle_seconds` ends."""
    if legacy is contract.Legacy.STICKY:
        return {"session_idle_timeout": idle_seconds}
    return {"stateless_http": True}


def reject_legacy_revisions(app: Starlette, path: str) -> None:
    """Wrap the route at `path` in `ModernOnly`, inside the application's middleware."""
    for route in app.routes:
        if isinstance(route, Route) and route.path == path:
            route.app = ModernOnly(route.app)


def wrap_endpoint(app: Starlette, path: str, middleware: Callable[[ASGIApp], ASGIApp]) -> None:
    """Wrap the endpoint at `path`, inside the check of tokens: a request without one gets 401 first."""
    for route in app.routes:
        if isinstance(route, Route) and route.path == path:
            if isinstance(route.app, RequireAuthMiddleware):
                route.app.app = middleware(route.app.app)
            else:
                route.app = middleware(route.app)


class PostOnly:
    """ASGI middleware of an endpoint without sessions: 405 for all methods but POST.

    The SDK opens a stream for GET, which can never carry a message, and which its client keeps open. Source: MCP
    2025-11-25, "Listening for Messages from the Server": the server returns an event stream or 405.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        allowed = scope["type"] != "http" or scope["method"] == "POST"
        await (self._app if allowed else _post_only())(scope, receive, send)


def _post_only() -> Response:
    """Return the response to other methods. Source: RFC 9110, section 15.5.6."""
    return Response(status_code=405, headers={"Allow": "POST"})


class ModernOnly:
    """ASGI middleware that passes requests of 2026-07-28 and later and rejects all others."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["method"] in SESSION_METHODS:
            await _post_only()(scope, receive, send)
        elif (error := version_error(Headers(scope=scope).get(MCP_PROTOCOL_VERSION_HEADER))) is not None:
            await _error_response(error, await _request_id(scope, receive))(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def version_error(version: str | None) -> ErrorData | None:
    """Return the error for a request with `version` in its header; None leaves the decision to the SDK.

    A missing header is a header mismatch and not an unsupported version; the text still lists the supported revisions,
    because an old client may show only the text. Source: MCP 2026-07-28, "Protocol Version Header" and "Versioning".
    """
    served = list(MODERN_PROTOCOL_VERSIONS)
    if version is None:
        text = f"Header mismatch: {MCP_PROTOCOL_VERSION_HEADER} is missing. Served revisions: {', '.join(served)}"
        return ErrorData(code=HEADER_MISMATCH, message=text, data={"supported": served})
    found = unsupported_protocol_version_rejection(version) if version in HANDSHAKE_PROTOCOL_VERSIONS else None
    return None if found is None else ErrorData(code=found.code, message=found.message, data=found.data)


def _error_response(error: ErrorData, request_id: str | int | None) -> Response:
    body = JSONRPCError(jsonrpc="2.0", id=request_id, error=error)
    text = body.model_dump_json(by_alias=True, exclude_unset=True)
    return Response(text, status_code=400, media_type="application/json")


async def _request_id(scope: Scope, receive: Receive) -> str | int | None:
    """Return the id of the JSON-RPC request in the body; None if there is none. Source: JSON-RPC 2.0, section 5."""
    body = b""
    try:
        async for part in Request(scope, receive).stream():
            body += part
            if len(body) > MAX_REJECTED_BYTES:
                return None
        found = json.loads(body)["id"]
    except (ClientDisconnect, ValueError, TypeError, KeyError, RecursionError):
        return None
    return found if isinstance(found, str | int) and not isinstance(found, bool) else None
