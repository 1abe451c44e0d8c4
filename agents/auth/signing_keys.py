"""Public keys of a JWK Set, and which of them may have signed a token."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK, PyJWTError

MIN_RSA_BITS: Final = 2048
"""Shortest RSA key that is used. Source: RFC 7518, sections 3.3 and 3.5."""

MAX_KEYS_PER_TOKEN: Final = 16
"""Most keys that are tried for a token without a key ID, which limits the work of a rejection. Issuers with more keys
send key IDs."""

_BY_CURVE: Final = {"P-256": ("ES256",), "P-384": ("ES384",), "P-521": ("ES512",), "Ed25519": ("EdDSA",)}
_BY_RSA: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")


@dataclass(frozen=True)
class SigningKey:
    """One public key."""

    key_id: str | None
    algorithms: tuple[str, ...]
    """Algorithms that the key may verify: its `alg`, or all of its type."""

    key: Any = field(repr=False)
    """Key object of the package `cryptography`."""


def signing_keys(body: bytes) -> Sequence[SigningKey]:
    """Return the public signing keys of a JWK Set. Raises ValueError if it is none or has no usable key.

    Source: RFC 7517, sections 4.2 and 5: keys of unknown types are ignored, `use` marks signing keys.
    """
    document = json.loads(body)
    if not (isinstance(document, dict) and isinstance(document.get("keys"), list)):
        raise ValueError("is no JSON object with a list of keys")  # noqa: TRY004 - the issuer sent it
    if not all(isinstance(key, dict) for key in document["keys"]):
        raise ValueError("has a key that is no JSON object")
    keys = [key for jwk in document["keys"] if (key := _signing_key(jwk)) is not None]
    if not keys:
        raise ValueError("has no usable public key")
    return keys


def matching_keys(keys: Sequence[SigningKey], key_id: str | None) -> Sequence[SigningKey]:
    """Return the keys that a token with this key ID may be signed with, as the sidecar selects them.

    A token or a key without an ID matches every ID. Source: Envoy, jwt_verify_lib, `verifyJwt`.
    """
    exact = [key for key in keys if key_id is not None and key.key_id == key_id]
    return [*exact, *(key for key in keys if key_id is None or key.key_id is None)][:MAX_KEYS_PER_TOKEN]


def _signing_key(jwk: dict[str, Any]) -> SigningKey | None:
    """Return the key; None for one of another use or type, for a private one, and for one that is too short."""
    key_id, algorithms = jwk.get("kid"), _algorithms(jwk)
    if not (isinstance(key_id, str | None) and algorithms) or jwk.get("use") not in (None, "sig") or "d" in jwk:
        return None
    try:
        key = PyJWK(jwk).key
    except PyJWTError:
        return None
    is_short = isinstance(key, RSAPublicKey) and key.key_size < MIN_RSA_BITS
    return None if is_short else SigningKey(key_id, algorithms, key)


def _algorithms(jwk: dict[str, Any]) -> tuple[str, ...]:
    """Return the algorithms of a key. Source: RFC 7517, section 4.4; RFC 7518, section 3.1."""
    of_type = _BY_RSA if jwk.get("kty") == "RSA" else _BY_CURVE.get(str(jwk.get("crv")), ())
    declared = jwk.get("alg")
    return of_type if declared is None else tuple(name for name in of_type if name == declared)
