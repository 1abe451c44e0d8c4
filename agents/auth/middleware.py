"""Access control of one server: caller identity, tokens, tool policy, and the HTTP responses to denied calls."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from mcp.server import MCPServer
from prometheus_client import CollectorRegistry, Counter
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from meshed_mcp import contract
from meshed_mcp.agents.auth.identity import ACCESS_KEY, PEER_HEADER, Access, peer_principal
from meshed_mcp.agents.auth.jwks import MIN_FETCH_INTERVAL_SECONDS, KeysUnavailableError
from meshed_mcp.agents.auth.protected_resource import bearer_token, metadata_url, require_tokens
from meshed_mcp.agents.auth.tokens import JWTVerifier, TokenResult
from meshed_mcp.agents.auth.tool_policy_middleware import ToolPolicyMiddleware
from meshed_mcp.agents.http.addresses import peer_address
from meshed_mcp.agents.settings import Settings, SettingsError
from meshed_mcp.error_codes.runtime import OWN_AUTH_AND_ISSUER

OK: Final = 200
UNAUTHORIZED: Final = 401
FORGED: Final = "forged"  # result for a peer header that the sidecar did not send
UNREADABLE: Final = "unreadable"  # result for a peer header of the sidecar without exactly one SPIFFE URI
_PEER_HEADER: Final = PEER_HEADER.encode()
_no_keys = PlainTextResponse(
    "The token issuer does not respond, so no token can be verified. Retry the request: it was not executed.\n",
    status_code=503,
    headers={"Retry-After": str(int(MIN_FETCH_INTERVAL_SECONDS))},
)


class AuthenticationMetrics:
    """Counter of identity and token checks; every result starts at zero."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._checks = Counter(
            contract.METRIC_AUTHENTICATIONS,
            "Identity and token checks, by result.",
            ("kind", "result"),
            registry=registry,
        )
        for result in TokenResult:
            self._checks.labels("token", result)
        for peer_result in (FORGED, UNREADABLE):
            self._checks.labels("peer", peer_result)

    def token(self, result: TokenResult) -> None:
        """Count one token check."""
        self._checks.labels("token", result).inc()

    def peer(self, result: str) -> None:
        """Count one rejected peer header."""
        self._checks.labels("peer", result).inc()


class IdentityMiddleware:
    """Outermost ASGI middleware of a service: drops forged peer headers, responds to denied calls with 403 or 503."""

    def __init__(self, app: ASGIApp, settings: Settings, metrics: AuthenticationMetrics) -> None:
        self._app = app
        self._proxies = frozenset(settings.trusted_proxies)
        self._trusts_any_peer = contract.ANY_PROXY in self._proxies
        self._scopes = settings.auth_scopes
        resource = settings.auth_resource
        self._metadata_url = None if resource is None else metadata_url(resource)
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application with an `Access` in the request's scope."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        access = Access()
        scope[ACCESS_KEY] = access
        scope["headers"] = self._verified_headers(scope, access)

        async def send_adapted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._adapt(scope, access, message)
            await send(message)

        try:
            await self._app(scope, receive, send_adapted)
        except KeysUnavailableError:
            self._metrics.token(TokenResult.NO_KEYS)
            await _no_keys(scope, receive, send)

    def _verified_headers(self, scope: Scope, access: Access) -> list[tuple[bytes, bytes]]:
        """Return the headers, without a peer header that the sidecar did not send."""
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        values = [value for name, value in headers if name == _PEER_HEADER]
        if not values:
            return headers
        if not self._trusts_any_peer and peer_address(scope) not in self._proxies:
            self._metrics.peer(FORGED)
            return [pair for pair in headers if pair[0] != _PEER_HEADER]
        access.principal = peer_principal(values[0].decode("latin-1")) if len(values) == 1 else None
        if access.principal is None:
            self._metrics.peer(UNREADABLE)
        return headers

    def _adapt(self, scope: Scope, access: Access, start: Message) -> None:
        if access.missing_scopes is not None and start["status"] == OK:
            start["status"] = contract.FORBIDDEN
            if access.missing_scopes and self._metadata_url:
                scopes = tuple(dict.fromkeys((*self._scopes, *access.missing_scopes)))
                header = challenge(self._metadata_url, scopes, "insufficient_scope")
                MutableHeaders(scope=start)["www-authenticate"] = header
        elif start["status"] in (UNAUTHORIZED, contract.FORBIDDEN) and self._metadata_url:
            self._complete_challenge(scope, start)

    def _complete_challenge(self, scope: Scope, start: Message) -> None:
        """Add the scopes to the SDK's challenge, and remove the error if the request has no token."""
        headers = MutableHeaders(scope=start)
        if "www-authenticate" not in headers or self._metadata_url is None:
            return
        if start["status"] == UNAUTHORIZED and not has_token(scope):
            self._metrics.token(TokenResult.MISSING)
            headers["www-authenticate"] = challenge(self._metadata_url, self._scopes)
        elif self._scopes:
            headers["www-authenticate"] += f', scope="{" ".join(self._scopes)}"'


def has_token(scope: Scope) -> bool:
    """Return whether a request has a bearer token, valid or not."""
    return bearer_token(HTTPConnection(scope)) is not None


def challenge(resource_metadata: str, scopes: Sequence[str], error: str = "") -> str:
    """Return a WWW-Authenticate value. Source: RFC 6750, section 3; RFC 9728, section 5.1; MCP, "Authorization"."""
    parts = {"error": error, "scope": " ".join(scopes), "resource_metadata": resource_metadata}
    return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in parts.items() if value)


class AccessControl:
    """Access control of one server; it changes nothing while the settings configure nothing."""

    def __init__(self, registry: CollectorRegistry, *, is_tool: Callable[[str], bool]) -> None:
        self.tool_policy = ToolPolicyMiddleware(registry, is_tool=is_tool)
        self._metrics = AuthenticationMetrics(registry)

    def configure(self, server: MCPServer[Any], settings: Settings) -> None:
        """Set the tool policy, before the application is created. Raises SettingsError."""
        self.tool_policy.policy = settings.tool_policy
        if settings.auth_issuers and server.settings.auth is not None:
            raise SettingsError(OWN_AUTH_AND_ISSUER.message(variable=contract.ENV_AUTH_ISSUERS))

    def protect(self, app: Starlette, settings: Settings) -> None:
        """Require tokens of the settings' issuers, and add the identity middleware as the outermost of `app`."""
        if settings.auth_issuers:
            verifier = JWTVerifier(settings.auth_issuers, str(settings.auth_resource), self._metrics.token)
            require_tokens(app, settings, verifier)
        app.add_middleware(IdentityMiddleware, settings=settings, metrics=self._metrics)
