"""Token validation settings of one service: issuers, resource URL, scopes and claims in headers."""

import re
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, field_validator, model_validator

from meshed_mcp.components.core.args import Model, camel
from meshed_mcp.components.core.names import listed
from meshed_mcp.components.mesh.authorization.issuer_args import IssuerSettings
from meshed_mcp.components.mesh.authorization.key_args import token_url
from meshed_mcp.contract.token_issuers import TokenIssuer
from meshed_mcp.error_codes import service as codes
from meshed_mcp.error_codes.code import raise_all
from meshed_mcp.error_codes.identity import ISSUER_LISTED_TWICE, MOVED_TO_ISSUERS

MAX_ISSUERS: Final = 16
"""Product rule: proxies try an invalid token with each issuer."""

MAX_CLAIM_HEADERS: Final = 8
"""Product rule: every header is sent with every request and may become a metric label."""

RESERVED_HEADERS: Final = re.compile(r"x-(forwarded|envoy|request-id|b3|real-ip|original|istio|mcp)(-.*)?")
"""Headers that proxies and the protocol own. Source: Envoy, "HTTP header manipulation"; Istio, "Trace context"."""

_SCOPE: Final = re.compile(r"[!#-+\--\[\]-~]+")
"""Source: RFC 6749, section 3.3, less the comma, which separates them in the environment."""

_CLAIM_PATH: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
"""Source: Istio API, `ClaimToHeader.claim`; a dot separates nested claims."""

_HEADER: Final = re.compile(r"x-[a-z0-9]+(-[a-z0-9]+)*")


def scope_names(value: list[str]) -> list[str]:
    """Scopes without duplicates."""
    bad = [scope for scope in value if _SCOPE.fullmatch(scope) is None]
    if bad:
        raise codes.INVALID_SCOPE.error(names=listed(bad))
    return list(dict.fromkeys(value))


Scopes = Annotated[list[str], AfterValidator(scope_names)]


MOVED: Final[dict[str, str]] = {
    "issuer": "issuers: [{issuer: ...}]",
    "jwks_url": "jwks_url of the entry in issuers",
    "jwks": "jwks of the entry in issuers",
    "jwks_in_cluster": "jwks_in_cluster of the entry in issuers",
    "audience": "resource to the URL of the service, or audiences of the entry in issuers to values of `aud`",
    "audiences": "audiences of the entry in issuers",
    "organization_claim": "claims: {organization: ...} of the entry in issuers",
}
"""Settings of one issuer -> what to set."""


class TokenSettings(Model):
    """Token validation: every request needs a JWT of one of the issuers with an audience of this service."""

    issuers: list[IssuerSettings] = Field(min_length=1, max_length=MAX_ISSUERS)
    """Issuers whose tokens are accepted: one of them suffices."""

    resource: Annotated[str, AfterValidator(token_url)] | None = None
    """URL of this service that its metadata names to clients, and the audience of issuers without `audiences`. Unset =
    the HTTPS URL at the ingress gateway; the URL in the mesh if the service is not exposed."""

    scopes: Scopes = Field(default_factory=list)
    """Scopes that every token must have."""

    claims_to_headers: dict[str, str] = Field(default_factory=dict, max_length=MAX_CLAIM_HEADERS)
    """Claim of a valid token -> request header that forwards it to the service; a dot separates nested claims. The
    mesh removes these headers from client requests."""

    @model_validator(mode="before")
    @classmethod
    def _names_moved_settings(cls, raw: Any) -> Any:
        if isinstance(raw, dict):
            places = MOVED | {camel(name): place for name, place in MOVED.items()}
            raise_all(MOVED_TO_ISSUERS.message(field=name, place=places[name]) for name in raw if name in places)
        return raw

    @field_validator("claims_to_headers")
    @classmethod
    def _are_claims_and_headers(cls, value: dict[str, str]) -> dict[str, str]:
        for claim, header in value.items():
            _claim_header(claim, header)
        twice = sorted({header for header in value.values() if list(value.values()).count(header) > 1})
        if twice:
            raise codes.HEADER_FOR_TWO_CLAIMS.error(names=listed(twice))
        return value

    @field_validator("issuers")
    @classmethod
    def _are_different(cls, value: list[IssuerSettings]) -> list[IssuerSettings]:
        issuers = [each.urls[0] for each in value]
        raise_all(
            ISSUER_LISTED_TWICE.message(number=number, first=issuers.index(issuer), issuer=issuer)
            for number, issuer in enumerate(issuers)
            if issuers.index(issuer) < number
        )
        return value

    @property
    def key_hosts(self) -> list[str]:
        """External hosts of the keys, each once."""
        return list(dict.fromkeys(host for each in self.issuers if (host := each.key_host) is not None))

    @property
    def fetched_urls(self) -> list[str]:
        """URLs that istiod and the service fetch keys from."""
        return [url for each in self.issuers if (url := each.fetched_url) is not None]

    @property
    def organization_claims(self) -> dict[str, str]:
        """Issuer -> its claim with the organization."""
        return {row.issuer: row.claims.organization for row in self.table("")}

    def table(self, resource: str) -> list[TokenIssuer]:
        """The issuers of sidecar and runtime, for a service with the URL `resource`."""
        return [each.row(resource) for each in self.issuers]


def _claim_header(claim: str, header: str) -> None:
    if _CLAIM_PATH.fullmatch(claim) is None:
        raise codes.INVALID_CLAIM_PATH.error(claim=claim)
    if _HEADER.fullmatch(header) is None or RESERVED_HEADERS.fullmatch(header) is not None:
        raise codes.INVALID_CLAIM_HEADER.error(header=header, claim=claim)
