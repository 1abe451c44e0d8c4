"""Verification of bearer tokens: JWTs of several issuers for one resource. No part of a token is logged."""

import json
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, Final

import jwt
from jwt.exceptions import InvalidSubjectError

from meshed_mcp.agents.auth.claims import VerifiedToken, verified_token
from meshed_mcp.agents.auth.discovery import DiscoveredKeys
from meshed_mcp.agents.auth.jwks import IssuerKeys, static_keys
from meshed_mcp.agents.auth.signing_keys import SigningKey
from meshed_mcp.contract.token_issuers import ALGORITHMS, SUBJECT_CLAIM, TokenIssuer, claim_value

REQUIRED_CLAIMS: Final = ("iss", "exp", SUBJECT_CLAIM)
"""Besides the audience and the subject of the issuer's row. Source: RFC 9068, section 2.2. `iat`, `jti` and `client_id`
are optional, because some issuers omit them. The sidecar needs `sub` too: `request.auth.principal` is made of it."""

TOKEN_TYPES: Final = (None, "jwt", "at+jwt", "application/at+jwt")
"""Accepted `typ` headers, in lower case. A logout token or an ID-JAG of the same issuer is no access token. Source: RFC
8725, section 3.11; RFC 9068, section 2.1."""

MAX_TOKEN_CHARACTERS: Final = 32 * 1024
"""Longest token that is parsed. Envoy and h11 limit all headers of a request to 60 and 64 KiB; an Entra ID token with
200 groups, the most before it omits them, has about 12 KiB."""


class TokenResult(StrEnum):
    """Result of a token check; label values."""

    ACCEPTED = "accepted"
    MISSING = "missing"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    TYPE = "type"
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
    (jwt.InvalidIssuerError, TokenResult.ISSUER),
    (jwt.InvalidSignatureError, TokenResult.SIGNATURE),
    (jwt.InvalidAlgorithmError, TokenResult.ALGORITHM),
    (jwt.InvalidKeyError, TokenResult.ALGORITHM),
    (jwt.MissingRequiredClaimError, TokenResult.CLAIMS),
    (InvalidSubjectError, TokenResult.CLAIMS),
)
Claims = dict[str, Any]


class InvalidTokenError(Exception):
    """A token that is not accepted."""

    def __init__(self, result: TokenResult) -> None:
        super().__init__(result)
        self.result = result


class JWTVerifier:
    """The SDK's `TokenVerifier` for a table of issuers and one resource; calls `count` with each result."""

    def __init__(
        self,
        issuers: Sequence[TokenIssuer],
        resource: str,
        count: Callable[[TokenResult], None],
        keys: "Callable[[TokenIssuer], IssuerKeys] | None" = None,
    ) -> None:
        self._rows = {row.issuer: (row, (keys or issuer_keys)(row)) for row in issuers}
        self._resource = resource
        self._count = count

    async def verify_token(self, token: str) -> VerifiedToken | None:
        """Return the verified token; None if it is invalid: the SDK responds with 401. Raises KeysUnavailableError."""
        try:
            verified = await self._verified(token)
        except InvalidTokenError as error:
            self._count(error.result)
            return None
        self._count(TokenResult.ACCEPTED)
        return verified

    async def _verified(self, token: str) -> VerifiedToken:
        header, unverified = parsed(token)
        row, keys = self._row(unverified)
        algorithm = header.get("alg")
        if algorithm not in row.algorithms:
            raise InvalidTokenError(TokenResult.ALGORITHM)
        found = await keys.find(header.get("kid"))
        if not found:
            raise InvalidTokenError(TokenResult.UNKNOWN_KEY)
        claims = claims_of(token, [key for key in found if algorithm in key.algorithms], algorithm, row)
        check_claims(claims, row)
        return verified_token(token, claims, row, self._resource)

    def _row(self, unverified: Claims) -> tuple[TokenIssuer, IssuerKeys]:
        """Return the row of the issuer that a token names, with whose keys alone it is verified."""
        issuer = unverified.get("iss")
        if issuer is None:
            raise InvalidTokenError(TokenResult.CLAIMS)
        found = self._rows.get(issuer) if isinstance(issuer, str) else None
        if found is None:
            raise InvalidTokenError(TokenResult.ISSUER)
        return found


def parsed(token: str) -> tuple[Claims, Claims]:
    """Return header and claims of a token that may be forged. Raises InvalidTokenError."""
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise InvalidTokenError(TokenResult.TOO_LARGE)
    try:
        decoded = jwt.decode_complete(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise InvalidTokenError(TokenResult.MALFORMED) from None
    header = decoded["header"]
    if header.get("alg") not in ALGORITHMS:
        raise InvalidTokenError(TokenResult.ALGORITHM)
    kind = header.get("typ")
    if (kind.lower() if isinstance(kind, str) else kind) not in TOKEN_TYPES:
        raise InvalidTokenError(TokenResult.TYPE)
    return header, decoded["payload"]


def claims_of(token: str, keys: Sequence[SigningKey], algorithm: str, row: TokenIssuer) -> Claims:
    """Return the claims of a token that one of `keys` has signed, within its time. Raises InvalidTokenError."""
    error: jwt.PyJWTError = jwt.InvalidAlgorithmError()
    for key in keys:
        try:
            return jwt.decode(
                token,
                key.key,
                algorithms=[algorithm],
                issuer=row.issuer,
                leeway=row.clock_skew_seconds,
                options={"require": list(REQUIRED_CLAIMS), "verify_aud": False},
            )
        except jwt.PyJWTError as failed:
            error = failed
            if not isinstance(failed, jwt.InvalidSignatureError):
                break
    raise InvalidTokenError(token_result(error))


def check_claims(claims: Claims, row: TokenIssuer) -> None:
    """Check audience and subject, which the row names. Raises InvalidTokenError."""
    subject = claim_value(claims, row.claims.subject)
    audiences = claim_value(claims, row.audience_claim)
    if not (isinstance(subject, str) and subject) or not audiences:
        raise InvalidTokenError(TokenResult.CLAIMS)
    found = [audiences] if isinstance(audiences, str) else audiences
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise InvalidTokenError(TokenResult.AUDIENCE)
    # Issuers add or drop the trailing slash of an RFC 8707 identifier; the sidecar ignores it too.
    accepted = {name.removesuffix("/") for name in row.audiences}
    if accepted.isdisjoint(name.removesuffix("/") for name in found):
        raise InvalidTokenError(TokenResult.AUDIENCE)


def token_result(error: jwt.PyJWTError) -> TokenResult:
    """Return the result for a verification error."""
    return next((result for kind, result in _RESULTS if isinstance(error, kind)), TokenResult.MALFORMED)


def issuer_keys(row: TokenIssuer) -> IssuerKeys:
    """Return the issuer's keys: the row's, or a cache of those at its URL or of those that the metadata names."""
    if row.jwks is not None:
        return IssuerKeys(f"the keys of {row.issuer}", static_keys(json.dumps(row.jwks)))
    if row.jwks_url is not None:
        return IssuerKeys(row.jwks_url)
    return IssuerKeys(row.issuer, DiscoveredKeys())
