"""Authorization code grant with PKCE: at the provider for a credential, and at the issuer for a login.

Source: RFC 6749, section 4.1; RFC 7636; RFC 9700, section 2.1.
"""

import base64
import hashlib
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode, urlsplit

import httpx2

from meshed_mcp.agents.client.credentials.errors import CredentialsError
from meshed_mcp.agents.client.credentials.token_endpoint import BEARER, TokenEndpoint, TokenResponse
from meshed_mcp.agents.user_credentials.vault import Credential
from meshed_mcp.contract import AuthorizationClient
from meshed_mcp.error_codes.calls import TOKEN_RESPONSE_INVALID

METHOD: Final = "S256"


class AuthorizationCode:
    """One client at one authorization server."""

    def __init__(
        self, client: AuthorizationClient, redirect_uri: str, environment: Mapping[str, str], http: httpx2.AsyncClient
    ) -> None:
        self._client, self._redirect_uri = client, redirect_uri
        self._endpoint = TokenEndpoint(client, environment, http)

    @property
    def host(self) -> str:
        """Host of the page at which the user consents."""
        return urlsplit(self._client.authorization_endpoint).netloc

    @property
    def origin(self) -> str:
        """Origin of the page at which the user consents."""
        return f"{urlsplit(self._client.authorization_endpoint).scheme}://{self.host}"

    def url(self, state: str, verifier: str, **more: str) -> str:
        """URL of the page at which the user consents. Source: RFC 6749, section 4.1.1; RFC 7636, section 4.3."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        parameters = {
            **self._client.parameters,
            "response_type": "code",
            "client_id": self._client.client_id,
            "redirect_uri": self._redirect_uri,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": METHOD,
            **({"scope": " ".join(self._client.scopes)} if self._client.scopes else {}),
            **more,
        }
        endpoint = self._client.authorization_endpoint
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(parameters)}"

    async def exchange(self, code: str, verifier: str) -> TokenResponse:
        """Return the response to a code. Raises CredentialsError. Source: RFC 7636, section 4.5."""
        grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": self._redirect_uri}
        return self._checked(await self._endpoint.request({**grant, "code_verifier": verifier}))

    async def refresh(self, refresh_token: str) -> TokenResponse:
        """Return the response to a refresh token. Raises CredentialsError. Source: RFC 6749, section 6."""
        return self._checked(
            await self._endpoint.request({"grant_type": "refresh_token", "refresh_token": refresh_token})
        )

    async def revoke(self, credential: Credential) -> None:
        """Revoke a credential where the server has an endpoint for it. Raises CredentialsError.

        A server revokes the access tokens of a refresh token with it. Source: RFC 7009, section 2.1.
        """
        if self._client.revocation_endpoint is not None:
            token = credential.refresh_token or credential.token
            await self._endpoint.revoke(self._client.revocation_endpoint, token)

    def _checked(self, response: TokenResponse) -> TokenResponse:
        if response.token_type.lower() != BEARER:
            why = "has another token_type than Bearer"
            raise CredentialsError(TOKEN_RESPONSE_INVALID.message(url=self._endpoint.name, why=why))
        return response


def credential_of(response: TokenResponse, refresh_token: str | None = None) -> Credential:
    """Return what a response grants; `refresh_token` is kept without a new one. Source: RFC 6749, section 6."""
    expires_at = None if response.expires_in is None else time.time() + response.expires_in
    return Credential(
        token=response.access_token, refresh_token=response.refresh_token or refresh_token, expires_at=expires_at
    )
