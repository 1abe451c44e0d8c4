"""Sources of tokens at one token endpoint: client credentials, and token exchange with or without an actor."""

from typing import Final, Protocol

from mcp.shared.auth import JWT_BEARER_GRANT_TYPE

from meshed_mcp.agents.client.credentials.token_endpoint import TokenEndpoint
from meshed_mcp.agents.client.credentials.tokens import Token, TokenCache
from meshed_mcp.contract import OutboundCall

CLIENT_CREDENTIALS: Final = "client_credentials"
"""Source: RFC 6749, section 4.4.2."""

TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - the name of a grant
"""Source: RFC 8693, section 2.1."""

ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - the name of a token type
"""Source: RFC 8693, section 3."""

ON_BEHALF_OF: Final = {"grant_type": JWT_BEARER_GRANT_TYPE, "requested_token_use": "on_behalf_of"}
"""Source: Microsoft identity platform, "OAuth 2.0 On-Behalf-Of flow", middle-tier access token request."""

OWN: Final = b"own"  # key of the service's own token


class TokenSource(Protocol):
    """Makes a token for one destination."""

    async def token(self, caller: str) -> Token:
        """Return a new token; `caller` is the caller's token, empty for a token of the service itself.

        Raises CredentialsError.
        """


class ClientCredentials:
    """Tokens of the service itself."""

    def __init__(self, call: OutboundCall, endpoint: TokenEndpoint) -> None:
        self._endpoint = endpoint
        self._grant = {"grant_type": CLIENT_CREDENTIALS, **target(call)}

    async def token(self, caller: str = "") -> Token:  # noqa: ARG002 - the same token for every caller
        """Return a new token. Raises CredentialsError."""
        return await self._endpoint.token(self._grant)


class Exchange:
    """Tokens of a caller for the destination. With `actor`, the request carries a token of this service too."""

    def __init__(self, call: OutboundCall, endpoint: TokenEndpoint) -> None:
        self._endpoint = endpoint
        self._grant = {"grant_type": TOKEN_EXCHANGE, "requested_token_type": ACCESS_TOKEN, **target(call)}
        self._actor = Actor(endpoint) if call.actor_token else None

    async def token(self, caller: str) -> Token:
        """Return a new token for the caller's. Raises CredentialsError."""
        actor = {} if self._actor is None else await self._actor.parameters()
        return await self._endpoint.token({**self._grant, **subject(caller), **actor})


class OnBehalfOf:
    """Tokens of a caller by Microsoft Entra ID's grant; the scopes name the destination."""

    def __init__(self, call: OutboundCall, endpoint: TokenEndpoint) -> None:
        self._endpoint = endpoint
        self._grant = {**ON_BEHALF_OF, "scope": " ".join(call.scopes) or None}

    async def token(self, caller: str) -> Token:
        """Return a new token for the caller's. Raises CredentialsError."""
        return await self._endpoint.token({**self._grant, "assertion": caller})


class Actor:
    """The service's own token as the actor of an exchange. Source: RFC 8693, section 2.1."""

    def __init__(self, endpoint: TokenEndpoint) -> None:
        self._endpoint = endpoint
        self._cache = TokenCache(1)

    async def parameters(self) -> dict[str, str | None]:
        """Parameters of the token request. Raises CredentialsError."""

        async def requested() -> Token:
            return await self._endpoint.token({"grant_type": CLIENT_CREDENTIALS})

        found = await self._cache.token(OWN, requested)
        return {"actor_token": found.value, "actor_token_type": ACCESS_TOKEN}


def target(call: OutboundCall) -> dict[str, str | None]:
    """Parameters that say what the token is for. Source: RFC 8693, section 2.1; RFC 8707, section 2."""
    return {"audience": call.audience, "resource": call.resource, "scope": " ".join(call.scopes) or None}


def subject(caller: str) -> dict[str, str | None]:
    """Parameters with the caller's token."""
    return {"subject_token": caller, "subject_token_type": ACCESS_TOKEN}
