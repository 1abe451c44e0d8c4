"""Public keys of a JWK Set: which are used, and for which token."""

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp.agents.auth.signing_keys import MAX_KEYS_PER_TOKEN, matching_keys, signing_keys

RSA = jwt.algorithms.RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048).public_key(), as_dict=True)
SHORT = jwt.algorithms.RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 1024).public_key(), as_dict=True)  # noqa: S505 - rejected
EC = jwt.algorithms.ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP384R1()).public_key(), as_dict=True)
K1 = jwt.algorithms.ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256K1()).public_key(), as_dict=True)
ED = jwt.algorithms.OKPAlgorithm.to_jwk(ed25519.Ed25519PrivateKey.generate().public_key(), as_dict=True)
PRIVATE = jwt.algorithms.ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)


def jwks(*keys: Any) -> bytes:
    """A JWK Set."""
    return json.dumps({"keys": keys}).encode()


@pytest.mark.parametrize(
    ("key", "algorithms"),
    [
        (RSA, ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")),
        (RSA | {"alg": "PS256", "use": "sig"}, ("PS256",)),
        (EC, ("ES384",)),
        (ED, ("EdDSA",)),
    ],
)
def test_a_key_verifies_its_own_algorithms_alone(key: dict[str, Any], algorithms: tuple[str, ...]) -> None:
    """RFC 7517, section 4.4 (`alg`); RFC 7518, section 3.1: the types of keys and their algorithms."""
    (found,) = signing_keys(jwks(key))
    assert found.algorithms == algorithms


@pytest.mark.parametrize(
    "key",
    [
        RSA | {"use": "enc"},
        RSA | {"kid": ["one"]},
        RSA | {"alg": "ES256"},
        RSA | {"alg": "RSA-OAEP"},
        EC | {"alg": "none"},
        {"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"},
        {"kty": "new", "kid": "x"},
        {},
        SHORT,
        K1,
        PRIVATE,
    ],
)
def test_a_key_that_must_not_verify_a_token_is_ignored(key: dict[str, Any]) -> None:
    """RFC 7517, section 5: unknown keys are ignored; RFC 7518, sections 3.3 and 6.2.1.1; RFC 8725, section 3.2."""
    assert len(signing_keys(jwks(EC, key))) == 1
    with pytest.raises(ValueError, match="has no usable public key"):
        signing_keys(jwks(key))


def test_a_token_is_verified_with_the_key_that_it_names_and_with_keys_without_a_name() -> None:
    """RFC 7515, section 4.1.4: `kid` is optional; Envoy's jwt_authn selects the same keys."""
    keys = signing_keys(jwks(RSA | {"kid": "one"}, EC | {"kid": "two"}, ED))

    def named(key_id: str | None) -> list[str | None]:
        return [key.key_id for key in matching_keys(keys, key_id)]

    assert (named("two"), named("three"), named(None)) == (["two", None], [None], ["one", "two", None])
    assert matching_keys(signing_keys(jwks(RSA | {"kid": "one"})), "two") == []


def test_the_keys_that_are_tried_for_one_token_are_bounded() -> None:
    """Requirement TOK-2: a token without a key ID costs a bounded number of verifications."""
    keys = signing_keys(jwks(*(EC | {"kid": f"{number}"} for number in range(MAX_KEYS_PER_TOKEN + 5))))
    assert len(matching_keys(keys, None)) == MAX_KEYS_PER_TOKEN


VALUES = st.none() | st.integers() | st.text(max_size=8) | st.lists(st.integers(), max_size=2) | st.just("AQAB")
FIELDS = st.sampled_from(["kty", "crv", "x", "y", "n", "e", "alg", "kid", "use", "d", "x5c", "key_ops"])


@pytest.mark.property
@given(
    document=VALUES
    | st.dictionaries(st.just("keys"), VALUES)
    | st.fixed_dictionaries(
        {"keys": st.lists(st.tuples(st.sampled_from([{}, RSA, EC, ED]), st.dictionaries(FIELDS, VALUES, max_size=4)))}
    )
)
def test_every_document_is_a_key_set_or_a_value_error(document: Any) -> None:
    """Requirement CFG-4: no JWK Set of an issuer or of a setting ends in a traceback."""
    if isinstance(document, dict) and isinstance(document.get("keys"), list):
        pairs = [pair for pair in document["keys"] if isinstance(pair, tuple)]
        document = {"keys": [known | changed for known, changed in pairs]}
    try:
        found = signing_keys(json.dumps(document).encode())
    except ValueError:
        return
    assert all(key.algorithms for key in found)
