"""How clients of MCP revisions up to 2025-11-25 are served: options for the SDK, and the refusal of `legacy: off`.

In: a value of `contract.Legacy`. Out: keyword arguments of `streamable_http_app`, and an ASGI application that answers
old clients itself. Not here: how the mesh brings a session's requests to its replica (components/mesh/stickiness.py).
"""

import json
from collections.abc import Mapping
from typing import Any, Final

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

MAX_REFUSED_BYTES: Final = 64 * 1024
"""How much of a refused request is read to find its id; a longer one is refused without an id."""

SESSION_METHODS: Final = frozenset({"GET", "DELETE"})
"""Methods that only sessions need. Source: MCP 2026-07-28, "Earlier Streamable HTTP Revisions"."""


def session_options(legacy: contract.Legacy, idle_seconds: float) -> Mapping[str, Any]:
    """Arguments of the SDK's `streamable_http_app` that decide about sessions; a session without a request for
    `idle_seconds` ends. How many there may be, another setting says.
    """  # noqa: D205 - one sentence
    if legacy is contract.Legacy.STICKY:
        return {"session_idle_timeout": idle_seconds}
    return {"stateless_http": True}


def refuse_old_revisions(app: Starlette, path: str) -> None:
    """Put a `ModernOnly` in front of the route at `path`, behind the application's own middleware."""
    for route in app.routes:
        if isinstance(route, Route) and route.path == path:
            route.app = ModernOnly(route.app)


class ModernOnly:
    """Lets requests of 2026-07-28 and later pass; answers all others as a server must that does not know sessions."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["method"] in SESSION_METHODS:
            await Response(status_code=405, headers={"Allow": "POST"})(scope, receive, send)
        elif (error := refusal(Headers(scope=scope).get(MCP_PROTOCOL_VERSION_HEADER))) is not None:
            await _answer(error, await _request_id(scope, receive))(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def refusal(version: str | None) -> ErrorData | None:
    """Why a request that names `version` in its header is refused; None when the SDK may judge it.

    A missing header is a header fault and not an unsupported version; its text still names what is served, because an
    old client may show nothing else. Source: MCP 2026-07-28, "Protocol Version Header" and "Versioning".
    """
    served = list(MODERN_PROTOCOL_VERSIONS)
    if version is None:
        text = f"Header mismatch: {MCP_PROTOCOL_VERSION_HEADER} is missing. Served revisions: {', '.join(served)}"
        return ErrorData(code=HEADER_MISMATCH, message=text, data={"supported": served})
    found = unsupported_protocol_version_rejection(version) if version in HANDSHAKE_PROTOCOL_VERSIONS else None
    return None if found is None else ErrorData(code=found.code, message=found.message, data=found.data)


def _answer(error: ErrorData, request_id: str | int | None) -> Response:
    body = JSONRPCError(jsonrpc="2.0", id=request_id, error=error)
    text = body.model_dump_json(by_alias=True, exclude_unset=True)
    return Response(text, status_code=400, media_type="application/json")


async def _request_id(scope: Scope, receive: Receive) -> str | int | None:
    """Id of the JSON-RPC request in the body; None where none can be found. Source: JSON-RPC 2.0, section 5."""
    body = b""
    try:
        async for part in Request(scope, receive).stream():
            body += part
            if len(body) > MAX_REFUSED_BYTES:
                return None
        found = json.loads(body)["id"]
    except (ClientDisconnect, ValueError, TypeError, KeyError, RecursionError):
        return None
    return found if isinstance(found, str | int) and not isinstance(found, bool) else None
