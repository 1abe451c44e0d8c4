"""Tokens across two authorization servers: the identity provider's grant (ID-JAG), then the destination's token."""

from typing import Final, Literal

import httpx2
from mcp.client.auth import OAuthFlowError
from mcp.client.auth.extensions.identity_assertion import IdentityAssertionOAuthProvider
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

from meshed_mcp.agents.client.credentials.errors import CredentialsError
from meshed_mcp.agents.client.credentials.sources import TOKEN_EXCHANGE, subject
from meshed_mcp.agents.client.credentials.token_endpoint import TokenEndpoint, TokenResponse
from meshed_mcp.agents.client.credentials.tokens import Token
from meshed_mcp.contract import ClientAuth, OutboundCall, TokenClient
from meshed_mcp.error_codes.calls import TOKEN_RESPONSE_INVALID

ID_JAG: Final = "urn:ietf:params:oauth:token-type:id-jag"
"""Source: draft-ietf-oauth-identity-assertion-authz-grant, section 4.3."""


class IdentityAssertion:
    """Tokens of a caller: the SDK's provider, run apart from calls, because it sends the calls of a client in turn."""

    def __init__(self, call: OutboundCall, client: TokenClient, provider: TokenEndpoint, server: TokenEndpoint) -> None:
        self._call, self._client = call, client
        self._provider, self._server = provider, server

    async def token(self, caller: str) -> Token:
        """Return a new token for the caller's. Raises CredentialsError."""

        async def grant(audience: str, resource: str) -> str:
            return await self._grant(caller, audience, resource)

        kept = _Kept()
        issuer, resource = str(self._client.issuer), str(self._call.resource)
        provider = IdentityAssertionOAuthProvider(
            resource,
            kept,
            self._client.client_id,
            self._server.secret,
            issuer,
            grant,
            scope=" ".join(self._call.scopes) or None,
            token_endpoint_auth_method=_method(self._client.client_auth),
        )
        try:
            await self._run(provider, httpx2.Request("POST", resource))
        except OAuthFlowError as error:  # its text may repeat the response, so only its type is passed on
            why = f"is no token for an ID-JAG ({type(error).__name__})"
            raise CredentialsError(TOKEN_RESPONSE_INVALID.message(url=issuer, why=why)) from None
        if kept.tokens is None:
            raise CredentialsError(TOKEN_RESPONSE_INVALID.message(url=issuer, why="is no token for an ID-JAG"))
        return TokenResponse.model_validate(kept.tokens.model_dump()).token(issuer)

    async def _run(self, provider: IdentityAssertionOAuthProvider, request: httpx2.Request) -> None:
        """Run the provider's flow for a request that is never sent: as if its destination had returned 401."""
        flow = provider.async_auth_flow(request)
        try:
            outgoing = await anext(flow)
            response = httpx2.Response(httpx2.codes.UNAUTHORIZED, request=request)
            while (outgoing := await flow.asend(response)) is not request:
                response = await self._server.send(outgoing)
        except StopAsyncIteration:
            return
        finally:
            await flow.aclose()

    async def _grant(self, caller: str, audience: str, resource: str) -> str:
        """Exchange the caller's token for an ID-JAG at the identity provider. Source: the draft, section 4.3."""
        found = await self._provider.request(
            {
                "grant_type": TOKEN_EXCHANGE,
                "requested_token_type": ID_JAG,
                "audience": audience,
                "resource": resource,
                "scope": " ".join(self._call.scopes) or None,
                **subject(caller),
            }
        )
        if found.issued_token_type != ID_JAG:
            url = self._provider.name
            raise CredentialsError(TOKEN_RESPONSE_INVALID.message(url=url, why="has another issued_token_type"))
        return found.access_token


class _Kept:
    """The SDK's `TokenStorage` of one flow."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return None

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return None

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Unused: the client is configured."""


def _method(client_auth: ClientAuth) -> Literal["client_secret_basic", "client_secret_post"]:
    return "client_secret_basic" if client_auth is ClientAuth.BASIC else "client_secret_post"
