"""CORS of a process that browsers reach without a gateway: preflights, and headers of responses to allowed pages.

Behind a gateway with a `corsPolicy` preflights do not arrive, and the gateway replaces the headers.
Source: WHATWG Fetch, "CORS protocol".
"""

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from meshed_mcp import contract
from meshed_mcp.agents.http import rejections
from meshed_mcp.agents.http.limits import header_value
from meshed_mcp.agents.http.public_urls import WELL_KNOWN, route_path
from meshed_mcp.agents.settings import Settings

REQUESTED_METHOD: Final = b"access-control-request-method"
METHODS: Final = "GET, POST, DELETE"
"""Methods of the endpoint. Source: MCP 2025-11-25, "Streamable HTTP"."""


class BrowserMiddleware:
    """ASGI middleware that lets pages of allowed origins call the MCP endpoint, and rejects other origins with 403."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._path = settings.path
        self._beneath = f"{settings.path.rstrip('/')}/"
        self._pages = contract.AllowedOrigins(settings.page_origins)
        self._own = contract.AllowedOrigins(settings.own_origins)
        credentials = {"access-control-allow-credentials": "true"} if settings.cors_credentials else {}
        self._readable = {"access-control-expose-headers": ", ".join(contract.EXPOSED_HEADERS), **credentials}
        self._preflight = {
            "access-control-allow-methods": METHODS,
            "access-control-allow-headers": ", ".join((*contract.BROWSER_HEADERS, *settings.cors_headers)),
            "access-control-max-age": str(contract.PREFLIGHT_SECONDS),
            **credentials,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; those without Origin are not from a page of another origin."""
        origin = header_value(scope["headers"], b"origin") if scope["type"] == "http" else ""
        if not origin or not self._is_endpoint(route_path(scope)):
            await self._app(scope, receive, send)
        elif is_preflight(scope) and self._pages:
            await self._preflight_response(origin)(scope, receive, send)
        elif origin in self._pages:
            await self._app(scope, receive, self._readable_send(origin, send))
        elif origin in self._own:
            await self._app(scope, receive, send)
        else:
            await rejections.FOREIGN_ORIGIN(scope, receive, send)

    def _is_endpoint(self, path: str) -> bool:
        """Whether a path is the endpoint's or below it; documents under /.well-known/ have a policy of their own."""
        return path == self._path or (path.startswith(self._beneath) and not path.startswith(WELL_KNOWN))

    def _preflight_response(self, origin: str) -> Response:
        allowed = {"access-control-allow-origin": origin, **self._preflight} if origin in self._pages else {}
        return Response(status_code=200, headers={**allowed, "vary": "Origin"})

    def _readable_send(self, origin: str, send: Send) -> Send:
        async def readable(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["access-control-allow-origin"] = origin
                headers.update(self._readable)
                headers.add_vary_header("Origin")
            await send(message)

        return readable


def is_preflight(scope: Scope) -> bool:
    """Whether a browser asks before a request. Source: WHATWG Fetch, "CORS-preflight request"."""
    return scope["method"] == "OPTIONS" and bool(header_value(scope["headers"], REQUESTED_METHOD))
