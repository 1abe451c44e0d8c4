"""The verifier: tokens in the shapes of identity providers are accepted, and every mutation of them is rejected."""

import asyncio
import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meshed_mcp.agents.auth.claims import MAX_ACTORS, VerifiedToken, actor_chain, organization_name
from meshed_mcp.agents.auth.jwks import IssuerKeys, static_keys
from meshed_mcp.agents.auth.tokens import MAX_TOKEN_CHARACTERS, JWTVerifier, TokenResult
from meshed_mcp.contract.token_issuers import TokenIssuer, claim_value
from tests.provider_tokens import (
    ENTRA_V2,
    HOUR,
    JWKS,
    KEYCLOAK,
    KEYS,
    MUTATIONS,
    OKTA,
    PROVIDERS,
    TIMES,
    Provider,
    private_key,
    public_jwk,
    signed,
)

RESOURCE: Final = "https://mcp.example.com/vault/mcp"
ALL_CLAIMS: Final = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@dataclass
class Verifier:
    """A verifier of all providers, in an event loop of its own, and what it counted."""

    runner: asyncio.Runner
    results: list[TokenResult] = field(default_factory=list)

    def __post_init__(self) -> None:
        keys = json.dumps(JWKS)
        rows = [provider.row for provider in PROVIDERS]
        self._verifier = JWTVerifier(
            rows, RESOURCE, self.results.append, lambda row: IssuerKeys(row.issuer, static_keys(keys))
        )

    def __call__(self, token: str) -> tuple[TokenResult, VerifiedToken | None]:
        """Return the counted result and the verified token."""
        found = self.runner.run(self._verifier.verify_token(token))
        return self.results.pop(), found


@pytest.fixture(scope="module")
def verify() -> Iterator[Verifier]:
    """The verifier."""
    with asyncio.Runner() as runner:
        yield Verifier(runner)


def words(value: Any) -> set[str]:
    """Scopes of a claim."""
    return set(value.split() if isinstance(value, str) else value or [])


@pytest.mark.property
@pytest.mark.parametrize("provider", PROVIDERS, ids=str)
@ALL_CLAIMS
@given(data=st.data())
def test_tokens_in_the_shape_of_a_provider_are_accepted(
    verify: Verifier, provider: Provider, data: st.DataObject
) -> None:
    """Requirement TOK-4: `Provider.source` of each; subject, scopes and organization are those of the row's claims."""
    claims = {"iss": provider.row.issuer, **data.draw(provider.claims), **data.draw(TIMES)}
    result, token = verify(signed(data.draw(provider.header), claims))
    assert (result, token is None) == (TokenResult.ACCEPTED, False)
    assert token is not None
    names = provider.row.claims
    assert (token.issuer, token.subject) == (provider.row.issuer, claim_value(claims, names.subject))
    assert set(token.scopes) == set().union(*(words(claim_value(claims, path)) for path in names.scopes))
    assert token.organization == organization_name(claim_value(claims, names.organization))
    assert (token.expires_at, token.resource, token.actors) == (claims["exp"], RESOURCE, ())


@pytest.mark.property
@pytest.mark.parametrize("mutation", MUTATIONS)
@ALL_CLAIMS
@given(data=st.data())
def test_a_token_with_one_wrong_claim_is_rejected_by_its_reason(
    verify: Verifier, mutation: str, data: st.DataObject
) -> None:
    """Requirement SEC-4: tokens of every provider are checked for issuer, audience, times and subject."""
    provider = data.draw(st.sampled_from(PROVIDERS))
    changes, expected = MUTATIONS[mutation]
    claims = {"iss": provider.row.issuer, **data.draw(provider.claims), **data.draw(TIMES), **changes}
    present = {name: value for name, value in claims.items() if value is not None}
    assert verify(signed(data.draw(provider.header), present)) == (expected, None)


@pytest.mark.property
@ALL_CLAIMS
@given(data=st.data())
def test_a_token_of_one_issuer_with_the_keys_of_another_is_rejected(data: st.DataObject) -> None:
    """Requirement TOK-1: the issuer that a token names chooses the keys, whatever key ID and audience it has."""
    results: list[TokenResult] = []
    own = {OKTA.row.issuer: private_key("RS256"), KEYCLOAK.row.issuer: KEYS["other"]}

    def keys(row: TokenIssuer) -> IssuerKeys:
        jwk = jwt.algorithms.RSAAlgorithm.to_jwk(own[row.issuer].public_key(), as_dict=True)
        return IssuerKeys(row.issuer, static_keys(json.dumps({"keys": [jwk | {"kid": "one"}]})))

    verifier = JWTVerifier([OKTA.row, KEYCLOAK.row], RESOURCE, results.append, keys)
    named, signer = data.draw(st.permutations([OKTA, KEYCLOAK]))
    claims = {"iss": named.row.issuer, **data.draw(named.claims), **data.draw(TIMES)}
    header = {"alg": "RS256", "kid": "one"}
    for key, result in ((own[signer.row.issuer], TokenResult.SIGNATURE), (own[named.row.issuer], TokenResult.ACCEPTED)):
        asyncio.run(verifier.verify_token(signed(header, claims, key)))
        assert results.pop() is result


def times_from_now(**seconds: float) -> dict[str, Any]:
    """Claims of an Okta token with these times."""
    now = int(time.time())
    claims = {"iss": OKTA.row.issuer, "aud": OKTA.row.audiences[0], "sub": "ada", "exp": now + HOUR}
    return claims | {name: now + value for name, value in seconds.items()}


@pytest.mark.parametrize(
    ("seconds", "skew", "result"),
    [
        ({"exp": -30}, 60, TokenResult.ACCEPTED),
        ({"exp": -90}, 60, TokenResult.EXPIRED),
        ({"exp": -30}, 0, TokenResult.EXPIRED),
        ({"exp": 30}, 0, TokenResult.ACCEPTED),
        ({"nbf": 30, "iat": 30}, 60, TokenResult.ACCEPTED),
        ({"nbf": 90}, 60, TokenResult.NOT_YET_VALID),
        ({"nbf": 30}, 10, TokenResult.NOT_YET_VALID),
        ({"exp": -30.5, "iat": -100.25}, 60, TokenResult.ACCEPTED),
    ],
)
def test_the_clock_skew_of_the_row_holds_for_every_time(
    seconds: dict[str, float], skew: int, result: TokenResult
) -> None:
    """RFC 7519, sections 4.1.4 to 4.1.6: a small leeway; Envoy, jwt_authn, `clock_skew_seconds`."""
    results: list[TokenResult] = []
    row = OKTA.row.model_copy(update={"clock_skew_seconds": skew, "jwks": {"keys": [public_jwk("RS256")]}})
    asyncio.run(
        JWTVerifier([row], RESOURCE, results.append).verify_token(signed({"alg": "RS256"}, times_from_now(**seconds)))
    )
    assert results == [result]


@pytest.mark.parametrize(
    ("header", "result"),
    [
        ({"alg": "RS256", "typ": "at+jwt"}, TokenResult.ACCEPTED),
        ({"alg": "RS256", "typ": "application/AT+JWT"}, TokenResult.ACCEPTED),
        ({"alg": "PS512"}, TokenResult.ACCEPTED),
        ({"alg": "RS256", "kid": "unknown"}, TokenResult.ACCEPTED),  # the keys have no IDs
        ({"alg": "RS256", "typ": "logout+jwt"}, TokenResult.TYPE),
        ({"alg": "RS256", "typ": "oauth-id-jag+jwt"}, TokenResult.TYPE),
        ({"alg": "RS256", "typ": ["JWT"]}, TokenResult.TYPE),
        ({"alg": "ES384"}, TokenResult.ALGORITHM),
        ({"alg": "RS256", "crit": ["exp"], "exp": 1}, TokenResult.MALFORMED),
    ],
)
def test_a_token_is_accepted_by_its_type_and_algorithm(
    verify: Verifier, header: dict[str, Any], result: TokenResult
) -> None:
    """RFC 8725, sections 3.1 and 3.11; RFC 9068, section 2.1 (`typ`); RFC 7515, section 4.1.11 (`crit`)."""
    assert verify(signed(header, times_from_now()))[0] is result


def test_an_algorithm_that_the_row_does_not_name_is_rejected(verify: Verifier) -> None:
    """RFC 8725, section 3.1: the algorithms of the issuer, though its keys would fit others."""
    claims = times_from_now() | {"iss": ENTRA_V2.row.issuer, "aud": ENTRA_V2.row.audiences[0], "oid": "1"}
    assert verify(signed({"alg": "RS256"}, claims))[0] is TokenResult.ACCEPTED
    assert verify(signed({"alg": "RS512"}, claims))[0] is TokenResult.ALGORITHM


@pytest.mark.parametrize("alg", ["none", "None", "HS256", "HS512", "", None, ["RS256"], "ES256K"])
def test_unsigned_tokens_and_shared_secrets_are_rejected(verify: Verifier, alg: Any) -> None:
    """RFC 8725, sections 2.1 and 3.2: `none`, and HMAC with a public key."""
    parts = (json.dumps({"alg": alg}), json.dumps(times_from_now()), "")
    token = ".".join(base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in parts)
    assert verify(token) == (TokenResult.ALGORITHM, None)


def test_a_token_beyond_the_limit_is_not_parsed(verify: Verifier) -> None:
    """Requirement TOK-2: the length of a token is bounded, and within the bound a large one is accepted."""
    groups = [f"{number:036}" for number in range(500)]
    large = signed({"alg": "RS256"}, times_from_now() | {"groups": groups})
    assert MAX_TOKEN_CHARACTERS / 2 < len(large) < MAX_TOKEN_CHARACTERS
    assert verify(large)[0] is TokenResult.ACCEPTED
    assert verify(signed({"alg": "RS256"}, times_from_now() | {"groups": groups * 2})) == (TokenResult.TOO_LARGE, None)


def encoded(text: bytes) -> str:
    """A part of a token."""
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


HEADER: Final = encoded(b'{"alg": "RS256"}')


@pytest.mark.property
@pytest.mark.parametrize(
    "bomb", [b"[" * 10_000, b'{"a":' * 3_000, b"1" * 10_000, b'{"exp": 1e999}', b"\xff", b"{}", b"null"]
)
def test_hostile_json_is_malformed(verify: Verifier, bomb: bytes) -> None:
    """Requirement CFG-4: deep nesting, large numbers and other bytes end in a rejection."""
    assert verify(f"{HEADER}.{encoded(bomb)}.AA")[1] is None
    assert verify(f"{encoded(bomb)}.{encoded(b'{}')}.AA")[1] is None


@pytest.mark.property
@ALL_CLAIMS
@given(
    text=st.text(max_size=200)
    | st.lists(st.binary(max_size=60).map(encoded), min_size=1, max_size=5).map(".".join)
    | st.dictionaries(
        st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk"]), st.text() | st.lists(st.text())
    ).map(lambda header: f"{encoded(json.dumps(header).encode())}.{encoded(b'{}')}.AA")
)
def test_no_text_is_a_token_or_an_error(verify: Verifier, text: str) -> None:
    """Requirement CFG-4: every text that is no valid token gets a result."""
    result, token = verify(text)
    assert (result is TokenResult.ACCEPTED, token) == (False, None)


CHAIN: Final = {"sub": "c", "act": {"iss": "https://b", "sub": "b", "act": {"sub": "a"}}}


@pytest.mark.parametrize(
    ("act", "chain"),
    [
        (None, []),
        ("c", []),
        ({}, []),
        ({"sub": ""}, []),
        ({"sub": 1, "act": {"sub": "a"}}, []),
        (CHAIN, ["https://i/c", "https://b/b", "https://i/a"]),
        ({"sub": "c", "act": ["a"]}, ["https://i/c"]),
        ({"sub": "c", "iss": 7}, ["https://i/c"]),
    ],
)
def test_the_actor_chain_is_that_of_the_claim_act(act: Any, chain: list[str]) -> None:
    """RFC 8693, section 4.1: the outermost actor is the current one, nested ones came before."""
    assert list(actor_chain({"act": act}, "https://i")) == chain


def test_the_actor_chain_is_bounded() -> None:
    """Requirement TOK-2: an issuer that nests actors without end costs a bounded number of names."""
    act: dict[str, Any] = {"sub": "0"}
    for number in range(1, 50):
        act = {"sub": f"{number}", "act": act}
    assert list(actor_chain({"act": act}, "i")) == [f"i/{49 - number}" for number in range(MAX_ACTORS)]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("acme", "acme"),
        (["acme"], "acme"),
        ({"acme": {}}, "acme"),
        ({"acme": {"id": "42"}}, "acme"),
        (["acme", "initech"], None),
        ({"acme": {}, "initech": {}}, None),
        ({"id": "42"}, None),
        ("", None),
        ([7], None),
        (None, None),
    ],
)
def test_a_token_has_one_organization_or_none(value: Any, name: str | None) -> None:
    """Keycloak 26, "Mapping organization claims": a text, a list or an object; several organizations are none."""
    assert organization_name(value) == name


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("realm_access.roles", ["a"]),
        ("https://acme.example.com/roles", ["b"]),
        ("a.b", 1),
        ("a.b.c", None),
        ("realm_access.groups", None),
        ("scope.x", None),
        ("https://acme.example.com/roles.0", None),
    ],
)
def test_a_claim_is_found_by_its_name_or_its_path(path: str, value: Any) -> None:
    """Requirement TOK-4: names of Auth0 have dots themselves; a path that does not exist is no claim."""
    claims = {
        "realm_access": {"roles": ["a"]},
        "https://acme.example.com/roles": ["b"],
        "a.b": 1,
        "a": {"b": {"c": 2}},
        "scope": "x",
    }
    expected = {"a.b.c": 2}.get(path, value)
    assert claim_value(claims, path) == expected
