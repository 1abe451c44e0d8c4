"""Hostile requests, fourth list: whole and well-formed, for a service that wants tokens, with one that opens nothing.

Their tokens are made when they are sent, by an issuer whom the service knows, for the service's own address.
"""

from collections.abc import Callable
from typing import Final

from meshed_mcp import contract
from tests.hostile.requests import Counter, Hostile, modern, rejected, token_check
from tests.local_issuer import Issuer

Token = Callable[[Issuer, str], str]

TOOL_SCOPE: Final = "docs.write"
"""Scope of the tool `wait`; the service itself wants `docs.read`, which every good token has."""

RFC_9068: Final = "RFC 9068, section 4; MCP, Authorization, Token Handling"
RFC_8725: Final = "RFC 8725, section 3.1: only algorithms that are expected"


BEARER: Final = {"Authorization": "Bearer {token}"}


def _refused(name: str, token: Token, result: str, source: str = RFC_9068) -> Hostile:
    """A call with a token that nobody takes; behind the mesh the sidecar says so, and the server never sees it."""
    return Hostile(name, modern(headers=BEARER), 401, source, token_check(result), token=token, mesh=False)


TOKENS: Final = (
    Hostile("no token", modern(), 401, "RFC 6750, section 3.1", token_check("missing"), mesh=False),
    Hostile(
        "a password for a token",
        modern(headers={"Authorization": "Basic YTpi"}),
        401,
        "RFC 6750, section 2.1",
        token_check("missing"),
        mesh=False,
    ),
    Hostile(
        "a token in the address",
        modern(line="POST {path}?access_token={token} HTTP/1.1"),
        401,
        "MCP, Authorization, Access Token Usage: never in the query",
        token_check("missing"),
        token=lambda issuer, resource: issuer.token(aud=resource),
        mesh=False,
    ),
    _refused("a token that is no JWT", lambda *_: "marzipan", "malformed"),
    _refused(
        "a token of two parts",
        lambda issuer, resource: issuer.token(aud=resource).rpartition(".")[0],
        "malformed",
    ),
    _refused("an expired token", lambda issuer, to: issuer.token(aud=to, exp=1), "expired"),
    _refused("a token of tomorrow", lambda issuer, to: issuer.token(aud=to, nbf=2**33), "not_yet_valid"),
    _refused(
        "a token for another service",
        lambda issuer, _: issuer.token(aud="https://mcp.example.com/other/mcp"),
        "audience",
        "RFC 8707, section 2; MCP, Authorization, Token Audience Binding",
    ),
    _refused("a token for nobody", lambda issuer, _: issuer.token(aud=None), "claims"),
    _refused(
        "a token of another issuer",
        lambda issuer, to: issuer.token(aud=to, iss="https://login.example.org"),
        "issuer",
    ),
    _refused("a changed token", lambda issuer, to: issuer.changed(aud=to), "signature", "RFC 7515, 5.2"),
    _refused("an unsigned token", lambda issuer, to: issuer.unsigned(aud=to), "algorithm", RFC_8725),
    _refused(
        "a token signed with the public key as a secret",
        lambda issuer, to: issuer.signed_with_the_public_key(aud=to),
        "algorithm",
        RFC_8725,
    ),
    _refused(
        "a token of an unknown key",
        lambda issuer, to: issuer.token(aud=to, header={"kid": "two"}),
        "unknown_key",
    ),
    _refused(
        "a token that brings its key",
        lambda issuer, to: issuer.token(aud=to, header={"kid": "x", "jku": issuer.url}),
        "unknown_key",
        "RFC 8725, section 3.10: claims are not to be trusted",
    ),
    Hostile(
        "a token without the service's scope",
        modern(headers=BEARER),
        403,
        "RFC 6750, section 3.1: insufficient_scope",
        rejected("auth"),
        token=lambda issuer, to: issuer.token(aud=to, scope="other"),
    ),
    Hostile(
        "a token without the tool's scope",
        modern(params={"name": "wait", "arguments": {}}, headers=BEARER),
        403,
        "MCP, Authorization, Scope Challenge Handling",
        Counter(contract.METRIC_AUTHORIZATIONS, 'reason="missing_scope"'),
        code=contract.FORBIDDEN,
        token=lambda issuer, to: issuer.token(aud=to),
    ),
)
