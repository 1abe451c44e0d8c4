"""Bearer tokens: JWTs of one issuer, for this resource, checked with the issuer's keys; the SDK asks for each request.

In: a token. Out: the SDK's `AccessToken`, or None (the SDK answers 401) and a counted reason. Nothing of a token is
logged. Not here: the keys (jwks.py), the challenge's scopes and the 503 without keys (middleware.py).
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final

import jwt
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from pydantic import AnyHttpUrl

from meshed_mcp import contract
from meshed_mcp.agents.auth.jwks import IssuerKeys, given
from meshed_mcp.agents.settings import Settings

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures with public keys; `none` and shared secrets are never accepted. Source: RFC 8725, sections 3.1 and 3.2."""

REQUIRED_CLAIMS: Final = ("iss", "exp", "aud", "sub")
"""Source: RFC 9068, section 2.2; `iat`, `jti` and `client_id` are left to issuers that predate it."""

CLOCK_SKEW_SECONDS: Final = 10
"""How far the issuer's clock may be ahead of ours. An expired token gets none: the SDK compares without it."""


class TokenResult(StrEnum):
    """What became of a request's token; label values."""

    ACCEPTED = "accepted"
    MISSING = "missing"
    MALFORMED = "malformed"
    ALGORITHM = "algorithm"
    UNKNOWN_KEY = "unknown_key"
    SIGNATURE = "signature"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    CLAIMS = "claims"
    NO_KEYS = "no_keys"


_RESULTS: Final = (
    (jwt.ExpiredSignatureError, TokenResult.EXPIRED),
    (jwt.ImmatureSignatureError, TokenResult.NOT_YET_VALID),
    (jwt.InvalidAudienceError, TokenResult.AUDIENCE),
    (jwt.InvalidIssuerError, TokenResult.ISSUER),
    (jwt.InvalidSignatureError, TokenResult.SIGNATURE),
    (jwt.InvalidAlgorithmError, TokenResult.ALGORITHM),
    (jwt.InvalidKeyError, TokenResult.ALGORITHM),
    (jwt.MissingRequiredClaimError, TokenResult.CLAIMS),
)


class JWTVerifier:
    """The SDK's `TokenVerifier` for one issuer and one resource; `count` is told the result of every check."""

    def __init__(self, keys: IssuerKeys, issuer: str, resource: str, count: Callable[[TokenResult], None]) -> None:
        self._keys = keys
        self._issuer = issuer
        self._resource = resource
        # RFC 8707 identifiers differ by a trailing slash in practice, and the SDK compares without it too.
        self._audiences = [resource.rstrip("/"), resource.rstrip("/") + "/"]
        self._count = count

    async def verify_token(self, token: str) -> AccessToken | None:
        """The token's content, None when it is not valid here. Raises KeysUnavailableError."""
        try:
            claims = await self._claims(token)
        except jwt.PyJWTError as error:
            self._count(result_of(error))
            return None
        if claims is None:
            self._count(TokenResult.UNKNOWN_KEY)
            return None
        self._count(TokenResult.ACCEPTED)
        return AccessToken(
            token=token,
            client_id=str(claims.get("client_id") or claims.get("azp") or claims["sub"]),
            scopes=scopes_of(claims),
            expires_at=int(claims["exp"]),
            resource=self._resource,
            subject=str(claims["sub"]),
            claims=claims,
        )

    async def _claims(self, token: str) -> dict[str, Any] | None:
        """The checked claims; None when the issuer has no such key."""
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in ALGORITHMS:
            raise jwt.InvalidAlgorithmError
        key = await self._keys.key(header.get("kid"))
        if key is None:
            return None
        return jwt.decode(
            token,
            key.key,
            algorithms=ALGORITHMS,
            audience=self._audiences,
            issuer=self._issuer,
            leeway=CLOCK_SKEW_SECONDS,
            options={"require": list(REQUIRED_CLAIMS)},
        )


def result_of(error: jwt.PyJWTError) -> TokenResult:
    """The label of a refusal."""
    return next((result for kind, result in _RESULTS if isinstance(error, kind)), TokenResult.MALFORMED)


def scopes_of(claims: dict[str, Any]) -> list[str]:
    """Scopes of a token: `scope` as one text (RFC 9068, section 2.2.3), else `scp` as text or list, as some issuers."""
    given = claims.get("scope", claims.get("scp", []))
    return given.split() if isinstance(given, str) else [str(scope) for scope in given or []]


def auth_settings(settings: Settings) -> AuthSettings | None:
    """The SDK's settings of a resource server; None when the environment names no issuer."""
    if settings.auth_issuer is None or settings.auth_audience is None:
        return None
    return AuthSettings(
        issuer_url=AnyHttpUrl(settings.auth_issuer),
        resource_server_url=AnyHttpUrl(settings.auth_audience),
        required_scopes=list(settings.auth_scopes),
        validate_token_resource=True,
    )


def issuer_keys(settings: Settings) -> IssuerKeys:
    """The keys of the environment's issuer: those it holds itself, or those at a URL."""
    if settings.auth_jwks is not None:
        return IssuerKeys(contract.ENV_AUTH_JWKS, given(settings.auth_jwks))
    return IssuerKeys(str(settings.auth_jwks_url))
