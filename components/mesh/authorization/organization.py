"""Organization of a request in proxies: a claim of the validated token, which each issuer names differently."""

import json
from collections.abc import Iterable, Mapping
from typing import Final

from meshed_mcp.contract.token_issuers import ORGANIZATION_CLAIM

JWT_METADATA: Final = ("envoy.filters.http.jwt_authn", "payload")
"""Dynamic metadata with the claims of a validated token. Source: istiod, `payload_in_metadata`."""

NO_ORGANIZATION: Final = "_OTHER"
"""Organization of tokens without the claim, which share one limit and one label."""

_FILTER, _PAYLOAD = (json.dumps(part) for part in JWT_METADATA)
_HAS_TOKEN: Final = f"{_FILTER} in metadata.filter_metadata"
_CLAIMS: Final = f"metadata.filter_metadata[{_FILTER}][{_PAYLOAD}]"


def claim_names(claim: str) -> tuple[str, ...]:
    """Names of a path into objects; a claim that is a URL, as Auth0 has them, is one name."""
    return (claim,) if "/" in claim else tuple(claim.split("."))


def common_claim(claims: Mapping[str, str]) -> str | None:
    """The claim of all issuers, the default one without issuers; None if they differ."""
    found = set(claims.values()) or {ORGANIZATION_CLAIM}
    return found.pop() if len(found) == 1 else None


def organization_expression(claims: Mapping[str, str], values: Iterable[str] | None = None) -> str:
    """CEL expression of the organization by the claims of issuers: one of `values`, or any, else `_OTHER`.

    The claim is read from tokens of its issuer only: another issuer can fill it with anything. Source: Istio,
    Telemetry, `tagOverrides`; Envoy, rate limit descriptor `expr`.
    """
    known = None if values is None else json.dumps(list(values))
    common = common_claim(claims)
    text = nothing = json.dumps(NO_ORGANIZATION)
    if common is not None:
        return f"({_HAS_TOKEN} && {_known(common, known)}) ? {claim_expression(common)} : {nothing}"
    for issuer, claim in claims.items():
        condition = f'{_CLAIMS}["iss"] == {json.dumps(issuer)}'
        text = f"({condition}) ? (({_known(claim, known)}) ? {claim_expression(claim)} : {nothing}) : ({text})"
    return f"({_HAS_TOKEN}) ? ({text}) : {nothing}"


def claim_expression(claim: str) -> str:
    """CEL expression of a claim that the token has."""
    return _CLAIMS + "".join(f"[{json.dumps(name)}]" for name in claim_names(claim))


def has_claim(claim: str) -> str:
    """CEL expression: whether there is a valid token with the claim."""
    return f"{_HAS_TOKEN} && {_present(claim)}"


def _present(claim: str) -> str:
    """Whether the claim exists at its path."""
    at, parts = _CLAIMS, list[str]()
    for name in claim_names(claim):
        parts.append(f"{json.dumps(name)} in {at}")
        at += f"[{json.dumps(name)}]"
    return " && ".join(parts)


def _known(claim: str, known: str | None) -> str:
    """Whether the claim exists and is one of the known values."""
    return _present(claim) if known is None else f"{_present(claim)} && {claim_expression(claim)} in {known}"
