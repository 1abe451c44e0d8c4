"""The service as an OAuth 2.0 protected resource: bearer tokens, and the metadata document for clients.

It is assembled from the SDK's public parts, because the SDK takes a verifier only in the server's constructor, before
the environment is read, and names one authorization server alone.
"""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser, RequireAuthMiddleware
from mcp.server.auth.provider import TokenVerifier
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, request_response

from meshed_mcp.agents.auth.issuer_settings import is_url
from meshed_mcp.agents.settings import Settings
from meshed_mcp.contract.token_issuers import TokenIssuer

WELL_KNOWN: Final = "/.well-known/oauth-protected-resource"
"""Source: RFC 9728, section 3."""

CACHED: Final = "public, max-age=3600"
"""Source: official SDK 2.3, `ProtectedResourceMetadataHandler`."""

BEARER: Final = "bearer "
"""Scheme of the Authorization header, in lower case, with its space. Source: RFC 6750, section 2.1."""


class BearerBackend(AuthenticationBackend):
    """Starlette's authentication by a bearer token.

    The SDK's own backend compares `exp` without clock skew and takes the first of several Authorization headers.
    """

    def __init__(self, verifier: TokenVerifier) -> None:
        self._verifier = verifier

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, AuthenticatedUser] | None:
        """Return the token's scopes and user; None without a valid token. Raises KeysUnavailableError."""
        token = bearer_token(conn)
        found = None if token is None else await self._verifier.verify_token(token)
        return None if found is None else (AuthCredentials(found.scopes), AuthenticatedUser(found))


def bearer_token(conn: HTTPConnection) -> str | None:
    """Return the request's token, valid or not; several Authorization headers are joined, which is no token.

    Source: RFC 9110, section 5.3: a field that is no list is sent once; RFC 6750, section 2.1.
    """
    value = ", ".join(conn.headers.getlist("authorization"))
    return value[len(BEARER) :].strip() if value.lower().startswith(BEARER) else None


def require_tokens(app: Starlette, settings: Settings, verifier: TokenVerifier) -> None:
    """Require a token with the settings' scopes at the MCP endpoint of `app`, and serve the metadata document."""
    resource = str(settings.auth_resource)
    for route in app.routes:
        if isinstance(route, Route) and route.path == settings.path:
            route.app = RequireAuthMiddleware(route.app, list(settings.auth_scopes), AnyHttpUrl(metadata_url(resource)))
    app.router.routes.extend(metadata_routes(resource, settings.auth_issuers, settings.auth_scopes, settings.service))
    app.add_middleware(AuthContextMiddleware)
    app.add_middleware(AuthenticationMiddleware, backend=BearerBackend(verifier))


def metadata_url(resource: str) -> str:
    """Return the URL of a resource's metadata document. Source: RFC 9728, section 3.1."""
    parts = urlsplit(resource)
    return urlunsplit((parts.scheme, parts.netloc, WELL_KNOWN + parts.path.removesuffix("/"), parts.query, ""))


def metadata_routes(resource: str, issuers: Sequence[TokenIssuer], scopes: Sequence[str], name: str) -> list[Route]:
    """Return the routes of the metadata document: with the path of the resource inserted, and without.

    Pages of every origin may read it, with any header: clients send those of the refused call along. A process is one
    resource, so the document without a path is unambiguous. Source: RFC 9728, section 3; MCP 2026-07-28, "Protected
    Resource Metadata Discovery Requirements".
    """
    document = {
        "resource": resource,
        "authorization_servers": authorization_servers(issuers),
        "scopes_supported": list(scopes),
        "bearer_methods_supported": ["header"],
        "resource_name": name,
    }
    content = {field: value for field, value in document.items() if value}

    async def metadata(_request: Request) -> Response:
        return JSONResponse(content, headers={"Cache-Control": CACHED})

    methods = ["GET", "OPTIONS"]
    endpoint = CORSMiddleware(request_response(metadata), ("*",), methods, allow_headers=("*",))
    paths = dict.fromkeys((urlsplit(metadata_url(resource)).path, WELL_KNOWN))
    return [Route(path, endpoint=endpoint, methods=methods) for path in paths]


def authorization_servers(issuers: Sequence[TokenIssuer]) -> list[str]:
    """Return the issuers that clients can discover: those that are URLs."""
    return [row.issuer for row in issuers if is_url(row.issuer)]
