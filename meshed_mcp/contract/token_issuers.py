"""Issuers of tokens, as one table that the platform renders and the runtime reads from ENV_AUTH_ISSUERS.

The sidecar's RequestAuthentication and the runtime's verifier are made from the same rows, so both accept the same
tokens.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Public-key signatures; `none` and shared secrets are never accepted. Source: RFC 8725, sections 3.1 and 3.2."""

CLOCK_SKEW_SECONDS: Final = 60
"""Tolerated clock skew of `exp`, `nbf` and `iat`. Source: Envoy, jwt_authn, default of `clock_skew_seconds`, which
Istio does not set; a longer one would be accepted by the runtime alone."""

AUDIENCE_CLAIM: Final = "aud"
SUBJECT_CLAIM: Final = "sub"
SCOPE_CLAIMS: Final = ("scope", "scp")
"""Source: RFC 9068, section 2.2.3; `scp` is sent by Microsoft Entra ID and Okta."""

ORGANIZATION_CLAIM: Final = "organization"
"""Default token claim with the caller's organization; callers without a token count by namespace."""


class ClaimNames(BaseModel):
    """Claims of one issuer's tokens; each is a name, or a path of names joined by dots (`claim_value`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: str = SUBJECT_CLAIM
    """Claim that identifies the user."""

    scopes: tuple[str, ...] = SCOPE_CLAIMS
    """Claims with scopes, roles or groups, each a text separated by spaces or a list; a token has all of them."""

    organization: str = ORGANIZATION_CLAIM
    """Claim with the organization: a text, or one organization in the list or object of Keycloak."""


class TokenIssuer(BaseModel):
    """One issuer whose tokens a service accepts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str
    """Issuer, exactly as in the claim `iss`."""

    audiences: tuple[str, ...]
    """Accepted audiences, any text; a token has at least one of them."""

    audience_claim: str = AUDIENCE_CLAIM
    """Claim with the audience: `aud`, or `client_id` for issuers whose access tokens have no `aud`."""

    algorithms: tuple[str, ...] = ALGORITHMS
    """Accepted signature algorithms."""

    jwks_url: str | None = None
    """URL of the public keys. Without it and `jwks` the issuer's metadata names it. Source: OpenID Connect Discovery
    1.0; RFC 8414."""

    jwks: dict[str, Any] | None = None
    """Public keys as a JWK Set. Source: RFC 7517, section 5."""

    claims: ClaimNames = ClaimNames()

    clock_skew_seconds: int = Field(default=CLOCK_SKEW_SECONDS, ge=0, le=CLOCK_SKEW_SECONDS)
    """Tolerated clock skew."""


def claim_value(claims: Mapping[str, Any], path: str) -> Any:
    """The claim with the name `path`, else the nested claim at the path of names joined by dots; None without one.

    Names may have dots themselves: claims of Auth0 are URLs.
    """
    if path in claims:
        return claims[path]
    name, _, rest = path.partition(".")
    inner = claims.get(name)
    return claim_value(inner, rest) if rest and isinstance(inner, Mapping) else None
