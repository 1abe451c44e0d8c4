"""Token validation settings of one service: issuer, audience, keys, scopes and claims."""

import re
from typing import Annotated, Any, Final
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from meshed_mcp import contract
from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import listed
from meshed_mcp.components.mesh.egress.destinations import (
    HTTPS_PORT,
    external_host_name,
    is_internal_host,
    is_ip_address,
)
from meshed_mcp.error_codes import service as codes

MAX_CLAIM_HEADERS: Final = 8
"""Product rule: every header is sent with every request and may become a metric label."""

RESERVED_HEADERS: Final = re.compile(r"x-(forwarded|envoy|request-id|b3|real-ip|original|istio|mcp)(-.*)?")
"""Headers that proxies and the protocol own. Source: Envoy, "HTTP header manipulation"; Istio, "Trace context"."""

PUBLIC_KEY_TYPES: Final = ("RSA", "EC", "OKP")
"""Source: RFC 7518, section 6.1, and RFC 8037; `oct` is a shared secret that validators could sign with."""

_SCOPE: Final = re.compile(r"[!#-+\--\[\]-~]+")
"""Source: RFC 6749, section 3.3, less the comma, which separates them in the environment."""

_CLAIM_PATH: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
"""Source: Istio API, `ClaimToHeader.claim`; a dot separates nested claims."""

_HEADER: Final = re.compile(r"x-[a-z0-9]+(-[a-z0-9]+)*")

_CLAIM_NAME: Final = re.compile(r"[A-Za-z0-9_:./-]{1,128}")
"""Source: RFC 7519, section 4.2: names are short texts, or URIs. No character ends a string of a CEL expression."""


def claim_name(value: str) -> str:
    """Name of a claim in settings and in CEL expressions of proxies."""
    if _CLAIM_NAME.fullmatch(value) is None:
        raise codes.INVALID_CLAIM_NAME.error(value=value)
    return value


ClaimName = Annotated[str, AfterValidator(claim_name)]


def scope_names(value: list[str]) -> list[str]:
    """Scopes without duplicates."""
    bad = [scope for scope in value if _SCOPE.fullmatch(scope) is None]
    if bad:
        raise codes.INVALID_SCOPE.error(names=listed(bad))
    return list(dict.fromkeys(value))


Scopes = Annotated[list[str], AfterValidator(scope_names)]


def token_url(value: str) -> str:
    """Absolute HTTP URL without user and fragment."""
    _url(value)
    return value


def public_keys(value: dict[str, Any]) -> dict[str, Any]:
    """JWK Set of public keys only."""
    keys = value.get("keys")
    if not isinstance(keys, list) or not keys or not all(isinstance(key, dict) for key in keys):
        raise codes.NO_PUBLIC_KEYS.error()
    for number, key in enumerate(keys):
        if key.get("kty") not in PUBLIC_KEY_TYPES:
            raise codes.UNKNOWN_KEY_TYPE.error(number=number, kty=key.get("kty"), known=", ".join(PUBLIC_KEY_TYPES))
        if "d" in key:
            raise codes.PRIVATE_KEY_IN_STACK.error(number=number)
    return value


class TokenSettings(Model):
    """Token validation: every request needs a JWT of one issuer with this service as audience."""

    issuer: Annotated[str, AfterValidator(token_url)]
    """URL of the issuer, exactly as in the claim `iss`."""

    jwks_in_cluster: bool = False
    """True = `jwks_url` is a Service of this cluster, such as Keycloak; it may then be HTTP."""

    jwks_url: str | None = None
    """URL of the issuer's public keys: HTTPS on port 443 of an external host name. The control plane and the service
    fetch the keys; this or `jwks` is required."""

    jwks: Annotated[dict[str, Any], AfterValidator(public_keys)] | None = None
    """Public keys as a JWK Set, in place of `jwks_url`; a key rotation needs an update of the stack."""

    audience: Annotated[str, AfterValidator(token_url)] | None = None
    """URL of this service in the claim `aud`. Unset = the HTTPS URL at the ingress gateway; the URL in the mesh if the
    service is not exposed."""

    scopes: Scopes = Field(default_factory=list)
    """Scopes that every token must have."""

    claims_to_headers: dict[str, str] = Field(default_factory=dict, max_length=MAX_CLAIM_HEADERS)
    """Claim of a valid token -> request header that forwards it to the service; a dot separates nested claims. The
    mesh removes these headers from client requests."""

    organization_claim: ClaimName = contract.ORGANIZATION_CLAIM
    """Claim with the caller's organization, a string: for `rate_limits`, and for metrics by organization of the mesh
    and the service."""

    @field_validator("jwks_url")
    @classmethod
    def _is_safe_to_fetch(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None:
            _key_url(value, in_cluster=bool(info.data.get("jwks_in_cluster")))
        return value

    @field_validator("claims_to_headers")
    @classmethod
    def _are_claims_and_headers(cls, value: dict[str, str]) -> dict[str, str]:
        for claim, header in value.items():
            _claim_header(claim, header)
        twice = sorted({header for header in value.values() if list(value.values()).count(header) > 1})
        if twice:
            raise codes.HEADER_FOR_TWO_CLAIMS.error(names=listed(twice))
        return value

    @model_validator(mode="after")
    def _has_one_source_of_keys(self) -> "TokenSettings":
        if (self.jwks_url is None) == (self.jwks is None):
            found = "there are no keys to check tokens with" if self.jwks is None else "there are two sources of keys"
            raise codes.KEYS_NEED_ONE_SOURCE.error(found=found)
        if self.jwks_url is None and self.jwks_in_cluster:
            raise codes.UNUSED_JWKS_IN_CLUSTER.error()
        return self

    @property
    def key_host(self) -> str | None:
        """External host of `jwks_url`; None if the keys are given or in the cluster."""
        if self.jwks_url is None or self.jwks_in_cluster:
            return None
        return urlsplit(self.jwks_url).hostname


def _key_url(value: str, *, in_cluster: bool) -> None:
    """The control plane fetches this URL from inside the cluster. Source: OWASP, "SSRF Prevention"."""
    url = _url(value)
    host = url.hostname or ""
    if is_ip_address(host):
        raise codes.KEY_URL_IS_ADDRESS.error(value=value)
    if in_cluster:
        if ".svc" not in host:
            raise codes.KEY_URL_NOT_IN_CLUSTER.error(value=value)
        return
    if is_internal_host(host):
        raise codes.KEY_URL_IN_CLUSTER.error(value=value)
    _external_key_url(value, url)


def _external_key_url(value: str, url: SplitResult) -> None:
    if url.scheme == "http":
        raise codes.KEY_URL_IN_PLAINTEXT.error(value=value)
    if url.port not in (None, HTTPS_PORT):
        raise codes.KEY_URL_PORT.error(value=value, port=url.port)
    external_host_name(url.hostname or "")


def _claim_header(claim: str, header: str) -> None:
    if _CLAIM_PATH.fullmatch(claim) is None:
        raise codes.INVALID_CLAIM_PATH.error(claim=claim)
    if _HEADER.fullmatch(header) is None or RESERVED_HEADERS.fullmatch(header) is not None:
        raise codes.INVALID_CLAIM_HEADER.error(header=header, claim=claim)


def _url(value: str) -> SplitResult:
    url = urlsplit(value)
    if url.scheme not in ("http", "https") or not url.hostname or url.fragment or url.username is not None:
        raise codes.INVALID_ISSUER_URL.error(value=value)
    return url
