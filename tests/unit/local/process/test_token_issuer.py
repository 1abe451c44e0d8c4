"""Tokens that a local run signs in the names of a stack's issuers."""

import json
from typing import Any

import jwt
import pytest

from meshed_mcp.contract.token_issuers import ClaimNames, TokenIssuer, claim_value
from meshed_mcp.local.process.token_issuer import ALGORITHM, LocalIssuer, set_claim


def claims_of(row: TokenIssuer) -> dict[str, Any]:
    """The claims of a token for the issuer, verified with its public key."""
    issuer = LocalIssuer()
    (key,) = jwt.PyJWKSet.from_json(issuer.jwks()).keys
    claims: dict[str, Any] = jwt.decode(
        issuer.token(row), key.key, algorithms=[ALGORITHM], options={"verify_aud": False}
    )
    return claims


@pytest.mark.parametrize(
    "row",
    [
        TokenIssuer(issuer="https://a.example.com", audiences=("https://mcp.example.com/a/mcp",)),
        TokenIssuer(issuer="https://a.example.com", audiences=("api://a",), claims=ClaimNames(subject="oid")),
        TokenIssuer(issuer="https://a.example.com", audiences=("client",), audience_claim="client_id"),
        TokenIssuer(issuer="https://a.example.com/", audiences=("a", "b"), claims=ClaimNames(subject="user.id")),
    ],
)
def test_a_token_has_the_claims_that_its_issuers_row_names(row: TokenIssuer) -> None:
    """Requirement LOC-1: a stack with any identity provider can be tried without it."""
    claims = claims_of(row)
    assert claims["iss"] == row.issuer
    assert claim_value(claims, row.audience_claim) == row.audiences[0]
    assert claim_value(claims, row.claims.subject) == claims["sub"]


@pytest.mark.parametrize("path", ["scope", "realm_access.roles", "https://example.com/roles"])
def test_a_claim_is_set_where_the_runtime_reads_it(path: str) -> None:
    """Requirement IDP-1: a dot leads into an object, a URL is one name."""
    claims: dict[str, Any] = {"realm_access": {"kept": True}}
    set_claim(claims, path, "docs.read")
    assert claim_value(claims, path) == "docs.read"
    assert claims["realm_access"]["kept"]
    assert json.dumps(claims)
