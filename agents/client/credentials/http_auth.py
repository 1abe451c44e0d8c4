"""Attaches tokens to the requests of one destination, and renews a token that the destination rejects, once."""

import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

import httpx2

from meshed_mcp import contract
from meshed_mcp.agents.client.credentials.caller import caller_token
from meshed_mcp.agents.client.credentials.errors import CredentialsError
from meshed_mcp.agents.client.credentials.id_jag import IdentityAssertion
from meshed_mcp.agents.client.credentials.settings import outbound_calls
from meshed_mcp.agents.client.credentials.sources import ClientCredentials, Exchange, OnBehalfOf, TokenSource
from meshed_mcp.agents.client.credentials.token_endpoint import TIMEOUT_SECONDS, TokenEndpoint
from meshed_mcp.agents.client.credentials.tokens import Token, TokenCache
from meshed_mcp.contract import CallAuth, OutboundCall
from meshed_mcp.error_codes.calls import FOREIGN_ORIGIN

REJECTED: Final = frozenset({httpx2.codes.UNAUTHORIZED, httpx2.codes.FORBIDDEN})
NEVER: Final = float("inf")
UserCredential = Callable[[str], Awaitable[str]]
"""Returns the token of the caller at a provider. Raises CredentialsError."""
_PORTS: Final = {"http": 80, "https": 443}


class OutboundAuth(httpx2.Auth):
    """The `auth` of an HTTP client of one destination. Requests to other origins get no token but an error."""

    def __init__(
        self, call: OutboundCall, environment: Mapping[str, str], user_credential: UserCredential | None = None
    ) -> None:
        self.needs_caller = call.auth.needs_caller
        """Whether the token is that of the caller whose request runs."""

        self.credential = call.credential
        """Provider of the credential that the caller gives, with CallAuth.USER_CREDENTIAL."""

        self._call, self._user_credential = call, user_credential
        self._http = httpx2.AsyncClient(timeout=TIMEOUT_SECONDS)
        self._cache = TokenCache()
        self._source = _source(call, environment, self._http)

    async def aclose(self) -> None:
        """Close the connections to token endpoints."""
        await self._http.aclose()

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """Send the request with a token. Raises CredentialsError."""
        if origin(str(request.url)) not in self._call.origins:
            message = FOREIGN_ORIGIN.message(destination=self._call.destination, origin=origin(str(request.url)))
            raise CredentialsError(message)
        token = await self._token()
        request.headers["authorization"] = f"Bearer {token.value}"
        response = yield request
        if response.status_code in REJECTED and self._source is not None:
            renewed = await self._token(token)
            if renewed is not token:
                request.headers["authorization"] = f"Bearer {renewed.value}"
                yield request

    async def _token(self, rejected: Token | None = None) -> Token:
        caller = caller_token(self._call.destination) if self.needs_caller else ""
        source = self._source
        if self.credential is not None and self._user_credential is not None:
            return Token(await self._user_credential(self.credential), NEVER)
        if source is None:
            return Token(caller, NEVER)
        key = hashlib.sha256(caller.encode()).digest()
        return await self._cache.token(key, lambda: source.token(caller), rejected=rejected)


def outbound_auth(
    target: str, environment: Mapping[str, str], user_credential: UserCredential | None = None
) -> OutboundAuth | None:
    """Return the credentials for a URL or a registry name; None if the stack sets none. Raises MessageError."""
    namespace = environment.get(contract.ENV_NAMESPACE, "")
    for call in outbound_calls(environment.get(contract.ENV_OUTBOUND_CALLS, "")):
        if call.auth is not CallAuth.MESH and _is_for(call, target, namespace):
            return OutboundAuth(call, environment, user_credential)
    return None


def origin(url: str) -> str:
    """Return the origin of a URL, with its port. Source: RFC 6454, section 4."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{parts.port or _PORTS.get(parts.scheme, '')}"


def _is_for(call: OutboundCall, target: str, namespace: str) -> bool:
    if "://" in call.destination:
        return target.rstrip("/") == call.destination.rstrip("/")
    if "://" in target:
        return origin(target) in call.origins
    return target in {call.destination, f"{namespace}/{call.destination}"}


def _source(call: OutboundCall, environment: Mapping[str, str], http: httpx2.AsyncClient) -> TokenSource | None:
    if call.client is None:
        return None
    endpoint = TokenEndpoint(call.client, environment, http)
    match call.auth:
        case CallAuth.CLIENT_CREDENTIALS:
            return ClientCredentials(call, endpoint)
        case CallAuth.ON_BEHALF_OF:
            return OnBehalfOf(call, endpoint)
        case CallAuth.ID_JAG:
            provider = TokenEndpoint(call.identity_provider or call.client, environment, http)
            return IdentityAssertion(call, call.client, provider, endpoint)
    return Exchange(call, endpoint)
