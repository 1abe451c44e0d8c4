"""The outermost layer of a service's HTTP application: who may name the caller, and how a refusal looks in HTTP.

In: requests as they arrive. Out: requests whose x-forwarded-client-cert can be believed, 403 for calls that the guard
refused, challenges that name the scopes, 503 while no token can be judged. Counted by result.
Not here: the checks themselves (tokens.py, tool_policy_middleware.py).
"""

from collections.abc import Sequence
from typing import Final

from mcp.server.auth.routes import build_resource_metadata_url
from prometheus_client import CollectorRegistry, Counter
from pydantic import AnyHttpUrl
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from meshed_mcp import contract
from meshed_mcp.agents.auth.identity import ACCESS_KEY, PEER_HEADER, Access, peer_principal
from meshed_mcp.agents.auth.jwks import ASK_AGAIN_SECONDS, KeysUnavailableError
from meshed_mcp.agents.auth.tokens import TokenResult
from meshed_mcp.agents.settings import Settings

OK: Final = 200
UNAUTHORIZED: Final = 401
FORGED: Final = "forged"
"""Result of a peer header that did not come from the sidecar."""

UNREADABLE: Final = "unreadable"
"""Result of a peer header from the sidecar without one SPIFFE URI."""

_PEER_HEADER: Final = PEER_HEADER.encode()
_no_keys = PlainTextResponse(
    "The issuer of tokens does not answer, so no token can be checked. Send the request again: it was not executed.\n",
    status_code=503,
    headers={"Retry-After": str(int(ASK_AGAIN_SECONDS))},
)


class Authentications:
    """The counter of what was found out about callers, with every result at zero from the start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._checks = Counter(
            contract.METRIC_AUTHENTICATIONS, "Checks of who calls.", ("kind", "result"), registry=registry
        )
        for result in TokenResult:
            self._checks.labels("token", result)
        for fault in (FORGED, UNREADABLE):
            self._checks.labels("peer", fault)

    def token(self, result: TokenResult) -> None:
        """One token, or its absence."""
        self._checks.labels("token", result).inc()

    def peer(self, result: str) -> None:
        """One peer header that was not believed."""
        self._checks.labels("peer", result).inc()


class Border:
    """ASGI middleware around the SDK's application."""

    def __init__(self, app: ASGIApp, settings: Settings, checks: Authentications) -> None:
        self._app = app
        self._proxies = frozenset(settings.trusted_proxies)
        self._anybody = contract.ANY_PROXY in self._proxies
        self._scopes = settings.auth_scopes
        self._metadata = metadata_url(settings)
        self._checks = checks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, with an `Access` in its scope."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        access = Access()
        scope[ACCESS_KEY] = access
        scope["headers"] = self._believed(scope, access)

        async def shaped(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._shape(scope, access, message)
            await send(message)

        try:
            await self._app(scope, receive, shaped)
        except KeysUnavailableError:
            self._checks.token(TokenResult.NO_KEYS)
            await _no_keys(scope, receive, send)

    def _believed(self, scope: Scope, access: Access) -> list[tuple[bytes, bytes]]:
        """The headers; without the peer header, unless it is one and the sidecar's."""
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        claims = [value for name, value in headers if name == _PEER_HEADER]
        if not claims:
            return headers
        if not self._anybody and (scope["client"] is None or scope["client"][0] not in self._proxies):
            self._checks.peer(FORGED)
            return [pair for pair in headers if pair[0] != _PEER_HEADER]
        access.principal = peer_principal(claims[0].decode("latin-1")) if len(claims) == 1 else None
        if access.principal is None:
            self._checks.peer(UNREADABLE)
        return headers

    def _shape(self, scope: Scope, access: Access, start: Message) -> None:
        if access.refused_for is not None and start["status"] == OK:
            start["status"] = contract.FORBIDDEN
            if access.refused_for and self._metadata:
                needed = tuple(dict.fromkeys((*self._scopes, *access.refused_for)))
                MutableHeaders(scope=start)["www-authenticate"] = challenge(
                    self._metadata, needed, "insufficient_scope"
                )
        elif start["status"] in (UNAUTHORIZED, contract.FORBIDDEN) and self._metadata:
            self._complete(scope, start)

    def _complete(self, scope: Scope, start: Message) -> None:
        """The SDK's challenge with the scopes that it leaves out, and without an error where there was no token."""
        headers = MutableHeaders(scope=start)
        if "www-authenticate" not in headers or self._metadata is None:
            return
        if start["status"] == UNAUTHORIZED and not has_token(scope):
            self._checks.token(TokenResult.MISSING)
            headers["www-authenticate"] = challenge(self._metadata, self._scopes)
        elif self._scopes:
            headers["www-authenticate"] += f', scope="{" ".join(self._scopes)}"'


def has_token(scope: Scope) -> bool:
    """Whether a request carries a bearer token, be it a good one. Source: RFC 6750, section 2.1."""
    return Headers(scope=scope).get("authorization", "").lower().startswith("bearer ")


def challenge(metadata: str, scopes: Sequence[str], error: str = "") -> str:
    """A WWW-Authenticate value. Source: RFC 6750, section 3; RFC 9728, section 5.1; MCP, "Authorization"."""
    parts = {"error": error, "scope": " ".join(scopes), "resource_metadata": metadata}
    return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in parts.items() if value)


def metadata_url(settings: Settings) -> str | None:
    """Where clients learn the issuer; None when there are no tokens."""
    return (
        None if settings.auth_audience is None else str(build_resource_metadata_url(AnyHttpUrl(settings.auth_audience)))
    )
