"""Arguments of tokens at one service: whose tokens, for whom, checked with which keys, and what is read from them.

Stack keys in, a frozen model out. Not here: the objects that it becomes (tokens.py, policy.py), what a tool asks of
a token (tool_policy_args.py).
"""

import re
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, ValidationInfo, field_validator, model_validator

from meshed_mcp import contract
from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import listed
from meshed_mcp.components.mesh.authorization.claim_args import ClaimName
from meshed_mcp.components.mesh.egress.external_hosts import HTTPS_PORT, is_address, is_inside, outside_name
from meshed_mcp.error_codes.service import (
    HEADER_FOR_TWO_CLAIMS,
    INVALID_CLAIM_HEADER,
    INVALID_CLAIM_PATH,
    INVALID_ISSUER_URL,
    INVALID_SCOPE,
    KEY_URL_IN_CLUSTER,
    KEY_URL_IN_PLAINTEXT,
    KEY_URL_IS_ADDRESS,
    KEY_URL_NOT_IN_CLUSTER,
    KEY_URL_PORT,
    KEYS_NEED_ONE_SOURCE,
    NO_PUBLIC_KEYS,
    PRIVATE_KEY_IN_STACK,
    UNKNOWN_KEY_TYPE,
    UNUSED_JWKS_IN_CLUSTER,
)

MAX_CLAIM_HEADERS: Final = 8
"""Product rule: each header travels with every request and may become a label; nobody needs a copy of the token."""

RESERVED_HEADERS: Final = re.compile(r"x-(forwarded|envoy|request-id|b3|real-ip|original|istio|mcp)(-.*)?")
"""Headers that proxies and the protocol own. Source: Envoy, "HTTP header manipulation"; Istio, "Trace context"."""

PUBLIC_KEY_TYPES: Final = ("RSA", "EC", "OKP")
"""Source: RFC 7518, section 6.1, and RFC 8037; `oct` is a shared secret, which whoever checks could sign with."""

_SCOPE: Final = re.compile(r"[!#-+\--\[\]-~]+")
"""Source: RFC 6749, section 3.3, less the comma, which separates them in the environment."""

_CLAIM_PATH: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
"""Source: Istio API, `ClaimToHeader.claim`; a dot leads into an object."""

_HEADER: Final = re.compile(r"x-[a-z0-9]+(-[a-z0-9]+)*")


def scope_names(value: list[str]) -> list[str]:
    """Scopes, each once."""
    bad = [scope for scope in value if _SCOPE.fullmatch(scope) is None]
    if bad:
        raise INVALID_SCOPE.error(names=listed(bad))
    return list(dict.fromkeys(value))


class TokenSettings(Model):
    """Tokens that every request to the service must carry: JWTs of one issuer, made for this service."""

    issuer: str
    """URL of the issuer, exactly as in the tokens' claim `iss`."""

    jwks_in_cluster: bool = False
    """True = `jwks_url` is a Service of this cluster, such as a Keycloak; it may then be HTTP."""

    jwks_url: str | None = None
    """URL of the issuer's public keys: HTTPS on port 443 of a named host outside. The control plane and the service
    fetch them; this or `jwks` is required."""

    jwks: dict[str, Any] | None = None
    """The public keys themselves, a JWK Set; nobody fetches any, and a rotation needs an update of the stack."""

    audience: str | None = None
    """URL of this service, as clients name it and as tokens have it in `aud`. Unset = the URL at the gateway, by HTTPS;
    the URL in the mesh when the service is not exposed."""

    scopes: list[str] = Field(default_factory=list)
    """Scopes that every token must have."""

    claims_to_headers: dict[str, str] = Field(default_factory=dict, max_length=MAX_CLAIM_HEADERS)
    """Claim of a verified token -> request header that the service gets it in; a dot leads into an object. Whatever a
    client sends in these headers is removed."""

    organization_claim: ClaimName = contract.ORGANIZATION_CLAIM
    """Claim that names the caller's organization, a text: for `rate_limits`, and for metrics by organization, of the
    mesh and of the service."""

    @field_validator("issuer", "audience")
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        if value is not None:
            _url(value)
        return value

    @field_validator("jwks_url")
    @classmethod
    def _is_safe_to_ask(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None:
            _key_url(value, in_cluster=bool(info.data.get("jwks_in_cluster")))
        return value

    @field_validator("scopes")
    @classmethod
    def _are_scopes(cls, value: list[str]) -> list[str]:
        return scope_names(value)

    @field_validator("jwks")
    @classmethod
    def _are_public(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        if value is not None:
            _public_keys(value)
        return value

    @field_validator("claims_to_headers")
    @classmethod
    def _are_claims_and_headers(cls, value: dict[str, str]) -> dict[str, str]:
        for claim, header in value.items():
            _claim_header(claim, header)
        twice = sorted({header for header in value.values() if list(value.values()).count(header) > 1})
        if twice:
            raise HEADER_FOR_TWO_CLAIMS.error(names=listed(twice))
        return value

    @model_validator(mode="after")
    def _has_keys_of_its_own(self) -> "TokenSettings":
        if (self.jwks_url is None) == (self.jwks is None):
            found = "there are no keys to check tokens with" if self.jwks is None else "there are two sources of keys"
            raise KEYS_NEED_ONE_SOURCE.error(found=found)
        if self.jwks_url is None and self.jwks_in_cluster:
            raise UNUSED_JWKS_IN_CLUSTER.error()
        return self

    @property
    def key_host(self) -> str | None:
        """Host outside the cluster that keys come from; None where they are given, or inside."""
        if self.jwks_url is None or self.jwks_in_cluster:
            return None
        return urlsplit(self.jwks_url).hostname


def _key_url(value: str, *, in_cluster: bool) -> None:
    """Who names this URL makes the control plane ask it, from inside the cluster.

    Source: OWASP, "Server-Side Request Forgery Prevention".
    """
    url = _url(value)
    host = url.hostname or ""
    if is_address(host):
        raise KEY_URL_IS_ADDRESS.error(value=value)
    if in_cluster:
        if ".svc" not in host:
            raise KEY_URL_NOT_IN_CLUSTER.error(value=value)
        return
    if is_inside(host):
        raise KEY_URL_IN_CLUSTER.error(value=value)
    _outside_key_url(value, url)


def _outside_key_url(value: str, url: SplitResult) -> None:
    if url.scheme == "http":
        raise KEY_URL_IN_PLAINTEXT.error(value=value)
    if url.port not in (None, HTTPS_PORT):
        raise KEY_URL_PORT.error(value=value, port=url.port)
    outside_name(url.hostname or "")


def _public_keys(value: dict[str, Any]) -> None:
    keys = value.get("keys")
    if not isinstance(keys, list) or not keys or not all(isinstance(key, dict) for key in keys):
        raise NO_PUBLIC_KEYS.error()
    for number, key in enumerate(keys):
        if key.get("kty") not in PUBLIC_KEY_TYPES:
            raise UNKNOWN_KEY_TYPE.error(number=number, kty=key.get("kty"), known=", ".join(PUBLIC_KEY_TYPES))
        if "d" in key:
            raise PRIVATE_KEY_IN_STACK.error(number=number)


def _claim_header(claim: str, header: str) -> None:
    if _CLAIM_PATH.fullmatch(claim) is None:
        raise INVALID_CLAIM_PATH.error(claim=claim)
    if _HEADER.fullmatch(header) is None or RESERVED_HEADERS.fullmatch(header) is not None:
        raise INVALID_CLAIM_HEADER.error(header=header, claim=claim)


def _url(value: str) -> SplitResult:
    url = urlsplit(value)
    if url.scheme not in ("http", "https") or not url.hostname or url.fragment or url.username is not None:
        raise INVALID_ISSUER_URL.error(value=value)
    return url
