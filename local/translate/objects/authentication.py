"""RequestAuthentication: accepted token issuers, and forwarded claims.

Source of every name and meaning: Istio API v1, security.istio.io.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from meshed_mcp.error_codes.local import EXACTLY_ONE
from meshed_mcp.local.translate.objects.fields import Fields
from meshed_mcp.local.translate.objects.metadata import Placed, Selector


class TokenHeader(Fields):
    """A header with the token, and its prefix."""

    name: str
    prefix: str = ""


class ClaimToHeader(Fields):
    """A claim as a request header."""

    header: str
    claim: str


class JWTRule(Fields):
    """Tokens of one issuer. `from_headers` is required, because without it Istio reads the query as well."""

    issuer: str
    audiences: tuple[str, ...] = ()
    jwks_uri: str | None = None
    jwks: str | None = None
    from_headers: tuple[TokenHeader, ...] = Field(min_length=1)
    forward_original_token: bool = False
    output_claim_to_headers: tuple[ClaimToHeader, ...] = ()

    @model_validator(mode="after")
    def _has_one_source_of_keys(self) -> Self:
        if (self.jwks_uri is None) == (self.jwks is None):
            raise EXACTLY_ONE.error(fields="jwksUri and jwks")
        return self


class RequestAuthenticationSpec(Fields):
    """Rules of the selected workloads."""

    selector: Selector = Selector()
    jwt_rules: tuple[JWTRule, ...] = Field(min_length=1, max_length=1)


class RequestAuthentication(Placed):
    """Valid tokens; AuthorizationPolicies decide about requests without one."""

    kind: Literal["RequestAuthentication"]
    spec: RequestAuthenticationSpec

    @property
    def rule(self) -> JWTRule:
        """The one rule."""
        return self.spec.jwt_rules[0]
