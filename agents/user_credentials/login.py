"""Login of the person at the browser, by OpenID Connect at the issuer of the users' tokens."""

from collections.abc import Sequence
from typing import Final

from meshed_mcp.agents.auth.tokens import JWTVerifier
from meshed_mcp.agents.user_credentials.authorization import AuthorizationCode
from meshed_mcp.agents.user_credentials.states import Login
from meshed_mcp.contract import TokenIssuer
from meshed_mcp.contract.token_issuers import AUDIENCE_CLAIM

AUTHORIZED_PARTY: Final = "azp"


class LoginError(Exception):
    """The issuer's response proves no user. The text names no token."""


class UserLogin:
    """The client of the service at the issuer."""

    def __init__(self, issuers: Sequence[TokenIssuer], issuer: str, client_id: str, flow: AuthorizationCode) -> None:
        """`issuers` has a row of `issuer`, whose keys and claim of the subject the ID token has too."""
        self.flow, self._client_id, self._issuer = flow, client_id, issuer
        row = next(each for each in issuers if each.issuer == issuer)
        own = row.model_copy(update={"audiences": (client_id,), "audience_claim": AUDIENCE_CLAIM})
        self._verifier = JWTVerifier([own], client_id, lambda _: None)

    def url(self, sealed: str, state: Login) -> str:
        """URL of the login page of the issuer."""
        return self.flow.url(sealed, state.verifier, nonce=state.nonce)

    async def subject(self, code: str, state: Login, issuer: str | None) -> str:
        """Return who has logged in, as `<issuer>/<subject>`; `issuer` is the parameter `iss` of the response.

        Raises LoginError, CredentialsError, KeysUnavailableError. Source: OpenID Connect Core 1.0, section 3.1.3.7; RFC
        9207, section 2.4.
        """
        if issuer is not None and issuer != self._issuer:
            raise LoginError("the response is of another issuer")
        response = await self.flow.exchange(code, state.verifier)
        if response.id_token is None:
            raise LoginError("the response has no ID token")
        verified = await self._verifier.verify_token(response.id_token)
        if verified is None:
            raise LoginError("the ID token is invalid")
        claims = verified.claims or {}
        if claims.get("nonce") != state.nonce:
            raise LoginError("the ID token is of another login")
        if claims.get(AUTHORIZED_PARTY, self._client_id) != self._client_id:
            raise LoginError("the ID token is for another client")
        return f"{verified.issuer}/{verified.subject}"
