"""Verification of bearer tokens: JWTs of one issuer for one resource. No part of a token is logged."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final

import jwt
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from pydantic import AnyHttpUrl

from meshed_mcp import contract
from meshed_mcp.agents.auth.jwks import IssuerKeys, static_keys
from meshed_mcp.agents.settings import Settings

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Public-key signatures; `none` and shared secrets are never accepted. Source: RFC 8725, sections 3.1 and 3.2."""

REQUIRED_CLAIMS: Final = ("iss", "exp", "aud", "sub")
"""Source: RFC 9068, section 2.2. `iat`, `jti` and `client_id` are optional, because older issuers omit them."""

CLOCK_SKEW_SECONDS: Final = 10  # tolerated clock skew of `nbf` and `iat`. The SDK compares `exp` without it.


class TokenResult(StrEnum):
    """Result of a token check; label values."""

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
    """The SDK's `TokenVerifier` for one issuer and one resource; calls `count` with each result."""

    def __init__(self, keys: IssuerKeys, issuer: str, resource: str, count: Callable[[TokenResult], None]) -> None:
        self._keys, self._issuer, self._resource = keys, issuer, resource
        # Issuers add or drop the trailing slash of an RFC 8707 identifier, and the SDK ignores it too.
        self._audiences = [resource.rstrip("/"), resource.rstrip("/") + "/"]
        self._count = count

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return the verified token; None if it is invalid: the SDK responds with 401. Raises KeysUnavailableError."""
        try:
            claims = await self._claims(token)
        except jwt.PyJWTError as error:
            self._count(token_result(error))
            return None
        if claims is None:
            self._count(TokenResult.UNKNOWN_KEY)
            return None
        self._count(TokenResult.ACCEPTED)
        return AccessToken(
            token=token,
            client_id=str(claims.get("client_id") or claims.get("azp") or claims["sub"]),
            scopes=token_scopes(claims),
            expires_at=int(claims["exp"]),
            resource=self._resource,
            subject=str(claims["sub"]),
            claims=claims,
        )

    async def _claims(self, token: str) -> dict[str, Any] | None:
        """Return the verified claims; None if the key ID is unknown."""
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


def token_result(error: jwt.PyJWTError) -> TokenResult:
    """Return the result for a verification error."""
    return next((result for kind, result in _RESULTS if isinstance(error, kind)), TokenResult.MALFORMED)


def token_scopes(claims: dict[str, Any]) -> list[str]:
    """Return the scopes: `scope` (RFC 9068, section 2.2.3), else `scp`, which some issuers send as text or list."""
    scopes = claims.get("scope", claims.get("scp", []))
    return scopes.split() if isinstance(scopes, str) else [str(scope) for scope in scopes or []]


def auth_settings(settings: Settings) -> AuthSettings | None:
    """Return the SDK's resource server settings; None without an issuer."""
    if settings.auth_issuer is None or settings.auth_audience is None:
        return None
    return AuthSettings(
        issuer_url=AnyHttpUrl(settings.auth_issuer),
        resource_server_url=AnyHttpUrl(settings.auth_audience),
        required_scopes=list(settings.auth_scopes),
        validate_token_resource=True,
    )


def issuer_keys(settings: Settings) -> IssuerKeys:
    """Return the issuer's keys: configured keys, or a cache of those at the configured URL."""
    if settings.auth_jwks is not None:
        return IssuerKeys(contract.ENV_AUTH_JWKS, static_keys(settings.auth_jwks))
    return IssuerKeys(str(settings.auth_jwks_url))
