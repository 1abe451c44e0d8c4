"""Hostile requests with well-formed but unacceptable tokens. The issuer creates the tokens when they are sent."""

from collections.abc import Callable
from typing import Final

from meshed_mcp import contract
from tests.hostile.requests import Counter, HostileRequest, modern, rejected, token_check
from tests.local_issuer import ISSUER, SECOND_ISSUER, Issuer

Token = Callable[[Issuer, str], str]

TOOL_SCOPE: Final = "docs.write"
"""Scope of the tool `wait`. The service requires `docs.read`, which every valid token has."""

RFC_9068: Final = "RFC 9068, section 4; MCP, Authorization, Token Handling"
RFC_8725: Final = "RFC 8725, section 3.1: only expected algorithms"
RFC_8725_ISSUER: Final = "RFC 8725, section 3.8: the keys of the issuer"
RFC_7519_END: Final = "RFC 7519, section 4.1.4"
RFC_8259: Final = "RFC 8259, section 9: limits on the depth of nesting"
BEARER: Final = {"Authorization": "Bearer {token}"}


def _rejected(name: str, token: Token, result: str, source: str = RFC_9068) -> HostileRequest:
    """Return a call with an invalid token. In the mesh the sidecar rejects it before the server."""
    return HostileRequest(name, modern(headers=BEARER), 401, source, token_check(result), token=token, mesh=False)


TOKENS: Final = (
    HostileRequest("no token", modern(), 401, "RFC 6750, section 3.1", token_check("missing"), mesh=False),
    HostileRequest(
        "Basic authentication",
        modern(headers={"Authorization": "Basic YTpi"}),
        401,
        "RFC 6750, section 2.1",
        token_check("missing"),
        mesh=False,
    ),
    HostileRequest(
        "a token in the query",
        modern(line="POST {path}?access_token={token} HTTP/1.1"),
        401,
        "MCP, Authorization, Access Token Usage: never in the query",
        token_check("missing"),
        token=lambda issuer, resource: issuer.token(aud=resource),
        mesh=False,
    ),
    _rejected("a token that is not a JWT", lambda *_: "marzipan", "malformed"),
    _rejected(
        "a token without a signature part",
        lambda issuer, resource: issuer.token(aud=resource).rpartition(".")[0],
        "malformed",
    ),
    _rejected("an expired token", lambda issuer, to: issuer.token(aud=to, exp=1), "expired"),
    _rejected("a token that is not yet valid", lambda issuer, to: issuer.token(aud=to, nbf=2**33), "not_yet_valid"),
    _rejected(
        "a token for another service",
        lambda issuer, _: issuer.token(aud="https://mcp.example.com/other/mcp"),
        "audience",
        "RFC 8707, section 2; MCP, Authorization, Token Audience Binding",
    ),
    _rejected("a token without an audience", lambda issuer, _: issuer.token(aud=None), "claims"),
    _rejected(
        "a token of another issuer",
        lambda issuer, to: issuer.token(aud=to, iss="https://login.example.org"),
        "issuer",
    ),
    _rejected("a modified token", lambda issuer, to: issuer.changed(aud=to), "signature", "RFC 7515, 5.2"),
    _rejected("an unsigned token", lambda issuer, to: issuer.unsigned(aud=to), "algorithm", RFC_8725),
    _rejected(
        "a token signed with the public key as a secret",
        lambda issuer, to: issuer.signed_with_the_public_key(aud=to),
        "algorithm",
        RFC_8725,
    ),
    _rejected(
        "a token with an unknown key ID",
        lambda issuer, to: issuer.token(aud=to, header={"kid": "two"}),
        "unknown_key",
    ),
    _rejected(
        "a token with its own key URL",
        lambda issuer, to: issuer.token(aud=to, header={"kid": "x", "jku": issuer.url}),
        "unknown_key",
        "RFC 8725, section 3.10: claims are not trusted",
    ),
    _rejected(
        "a token of one issuer with the key of another",
        lambda issuer, to: issuer.token(aud=to, header={"kid": "second"}, key=issuer.second_key),
        "unknown_key",
        RFC_8725_ISSUER,
    ),
    _rejected(
        "a token of one issuer with the key of another under the same key ID",
        lambda issuer, to: issuer.token(aud=to, key=issuer.second_key),
        "signature",
        RFC_8725_ISSUER,
    ),
    _rejected(
        "a token of the second issuer with the key of the first",
        lambda issuer, to: issuer.token(aud=to, iss=SECOND_ISSUER),
        "signature",
        RFC_8725_ISSUER,
    ),
    _rejected(
        "a token of a list of issuers",
        lambda issuer, to: issuer.token(aud=to, iss=[ISSUER, SECOND_ISSUER]),
        "issuer",
        "RFC 7519, section 4.1.1",
    ),
    _rejected(
        "a token of 36 kB",
        lambda issuer, to: issuer.token(aud=to, groups=["x" * 25_000]),
        "too_large",
        "Requirement TOK-2",
    ),
    _rejected("a token without a subject", lambda issuer, to: issuer.token(aud=to, sub=None), "claims"),
    _rejected("a token without an end", lambda issuer, to: issuer.token(aud=to, exp=None), "claims"),
    _rejected(
        "a token whose end is a text", lambda issuer, to: issuer.token(aud=to, exp="never"), "malformed", RFC_7519_END
    ),
    _rejected(
        "a token for an audience that is no text", lambda issuer, to: issuer.token(aud=[7, {"aud": to}]), "audience"
    ),
    _rejected(
        "a logout token",
        lambda issuer, to: issuer.token(aud=to, header={"typ": "logout+jwt"}),
        "type",
        "RFC 8725, section 3.11; OpenID Connect Back-Channel Logout 1.0, section 2.4",
    ),
    _rejected(
        "an identity assertion (ID-JAG)",
        lambda issuer, to: issuer.token(aud=to, header={"typ": "oauth-id-jag+jwt"}),
        "type",
        "RFC 8725, section 3.11",
    ),
    _rejected(
        "a token with an unknown critical header",
        lambda issuer, to: issuer.token(aud=to, header={"crit": ["exp"], "exp": 1}),
        "malformed",
        "RFC 7515, section 4.1.11",
    ),
    _rejected(
        "a token with its own key",
        lambda issuer, to: issuer.token(aud=to, header={"jwk": issuer.second_jwks()["keys"][0]}, key=issuer.second_key),
        "signature",
        "RFC 8725, section 3.10: claims are not trusted",
    ),
    _rejected(
        "a key ID that is a path",
        lambda issuer, to: issuer.token(aud=to, header={"kid": "../../../../dev/null"}),
        "unknown_key",
        "RFC 8725, section 3.10: claims are not trusted",
    ),
    _rejected(
        "a key ID that is a list", lambda issuer, _: issuer.spelled(b'{"alg": "RS256", "kid": ["one"]}'), "malformed"
    ),
    _rejected(
        "a token with the key of another algorithm",
        lambda issuer, to: issuer.token("curve", aud=to, header={"kid": "one"}),
        "algorithm",
        RFC_8725,
    ),
    _rejected(
        "an elliptic curve signature of zero",
        lambda issuer, to: issuer.without_a_signature_value(aud=to),
        "signature",
        "FIPS 186-5, section 6.4.2",
    ),
    _rejected(
        "a token with the algorithm None", lambda issuer, _: issuer.spelled(b'{"alg": "None"}'), "algorithm", RFC_8725
    ),
    _rejected(
        "a token with deeply nested claims",
        lambda issuer, _: issuer.spelled(b'{"alg": "RS256"}', b'{"a":' * 4_000),
        "malformed",
        RFC_8259,
    ),
    _rejected(
        "a token with a deeply nested header", lambda issuer, _: issuer.spelled(b"[" * 20_000), "malformed", RFC_8259
    ),
    _rejected(
        "an encrypted token", lambda issuer, _: issuer.spelled(b'{"alg": "dir"}') + ".x.x", "malformed", "RFC 7516"
    ),
    HostileRequest(
        "two tokens in two headers",
        modern(headers={"Authorization": "Bearer {token}\r\nAuthorization: Bearer x"}),
        401,
        "RFC 9110, section 5.3: a field that is no list is sent once",
        token_check("malformed"),
        token=lambda issuer, to: issuer.token(aud=to),
        mesh=False,
    ),
    HostileRequest(
        "a token without the service's scope",
        modern(headers=BEARER),
        403,
        "RFC 6750, section 3.1: insufficient_scope",
        rejected("auth"),
        token=lambda issuer, to: issuer.token(aud=to, scope="other"),
    ),
    HostileRequest(
        "a token without the tool's scope",
        modern(params={"name": "wait", "arguments": {}}, headers=BEARER),
        403,
        "MCP, Authorization, Scope Challenge Handling",
        Counter(contract.METRIC_AUTHORIZATIONS, 'reason="missing_scope"'),
        code=contract.FORBIDDEN,
        token=lambda issuer, to: issuer.token(aud=to),
    ),
)
