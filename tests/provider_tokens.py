"""Tokens in the shapes that identity providers publish, as hypothesis strategies, and the row that accepts them.

Values are invented; names, types and optional parts are the providers' own. No token of a provider was recorded.
"""

import json
import time
from dataclasses import dataclass
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import strategies as st

from meshed_mcp.agents.auth.tokens import TokenResult
from meshed_mcp.contract.token_issuers import TokenIssuer

HOUR: Final = 3600
GUID: Final = st.uuids().map(str)
WORD: Final = st.text("abcdefghijklmnopqrstuvwxyz.:_-/", min_size=1, max_size=20)
WORDS: Final = st.lists(WORD, max_size=5, unique=True)
OPAQUE: Final = st.text("ABCDEFabcdef0123456789-_", min_size=20, max_size=43)
NAME: Final = st.text(min_size=0, max_size=30)
KEY_ID: Final = OPAQUE


@dataclass(frozen=True)
class Provider:
    """One provider, one of its kinds of tokens."""

    name: str
    row: TokenIssuer
    header: st.SearchStrategy[dict[str, Any]]
    claims: st.SearchStrategy[dict[str, Any]]
    """Claims without the times."""

    source: str

    def __str__(self) -> str:
        return self.name


NOW: Final = int(time.time())
TIMES: Final = st.fixed_dictionaries(
    {"iat": st.integers(NOW - HOUR, NOW), "exp": st.integers(NOW + HOUR, NOW + 24 * HOUR)},
    optional={"nbf": st.integers(NOW - HOUR, NOW), "auth_time": st.integers(NOW - 24 * HOUR, NOW)},
)
"""Times of a valid token."""


def one_or_list(audience: str, *others: str) -> st.SearchStrategy[str | list[str]]:
    """Return an audience as text, as list, and as list among others."""
    return st.sampled_from([audience, [audience], [*others, audience]])


def joined(words: st.SearchStrategy[list[str]]) -> st.SearchStrategy[str]:
    """Return words as one text."""
    return words.map(" ".join)


def fixed(required: dict[str, Any], optional: dict[str, Any] | None = None) -> st.SearchStrategy[dict[str, Any]]:
    """Return a dictionary of strategies; a value that is no strategy is itself."""

    def strategies(values: dict[str, Any]) -> dict[str, Any]:
        return {
            name: value if isinstance(value, st.SearchStrategy) else st.just(value) for name, value in values.items()
        }

    return st.fixed_dictionaries(strategies(required), optional=strategies(optional or {}))


def row(issuer: str, audience: str, **fields: Any) -> TokenIssuer:
    """Return the row of a provider."""
    return TokenIssuer.model_validate({"issuer": issuer, "audiences": [audience]} | fields)


TENANT: Final = "72f988bf-86f1-41af-91ab-2d7cd011db47"
CLIENT: Final = "6e74172b-be56-4843-9ff4-e66a39bb12e3"
ENTRA_SCOPES: Final = ["scp", "roles", "groups"]

ENTRA_V2: Final = Provider(
    "Entra ID v2",
    row(
        f"https://login.microsoftonline.com/{TENANT}/v2.0",
        CLIENT,
        algorithms=["RS256"],
        claims={"subject": "oid", "scopes": ENTRA_SCOPES, "organization": "tid"},
    ),
    fixed({"typ": "JWT", "alg": "RS256", "kid": KEY_ID}),
    fixed(
        {"aud": CLIENT, "sub": OPAQUE, "oid": GUID, "tid": TENANT, "ver": "2.0", "uti": OPAQUE, "rh": OPAQUE},
        {
            "aio": OPAQUE,
            "azp": GUID,
            "azpacr": st.sampled_from(["0", "1", "2"]),
            "scp": joined(WORDS),
            "roles": WORDS,
            "groups": st.lists(GUID, max_size=200),
            "hasgroups": st.booleans(),
            "name": NAME,
            "preferred_username": NAME,
            "idtyp": "app",
        },
    ),
    "Microsoft identity platform, Access token claims reference",
)
ENTRA_V1: Final = Provider(
    "Entra ID v1",
    row(
        f"https://sts.windows.net/{TENANT}/",
        f"api://{CLIENT}",
        algorithms=["RS256"],
        claims={"subject": "oid", "scopes": ENTRA_SCOPES, "organization": "tid"},
    ),
    KEY_ID.map(lambda key: {"typ": "JWT", "alg": "RS256", "x5t": key, "kid": key}),
    fixed(
        {"aud": f"api://{CLIENT}", "sub": OPAQUE, "oid": GUID, "tid": TENANT, "ver": "1.0", "uti": OPAQUE},
        {
            "acr": st.sampled_from(["0", "1"]),
            "amr": st.lists(st.sampled_from(["pwd", "mfa", "rsa"]), max_size=2),
            "appid": GUID,
            "appidacr": st.sampled_from(["0", "1", "2"]),
            "idp": f"https://sts.windows.net/{TENANT}/",
            "scp": joined(WORDS),
            "roles": WORDS,
            "groups": st.lists(GUID, max_size=200),
            "upn": NAME,
            "unique_name": NAME,
            "_claim_names": fixed({"groups": "src1"}),
            "_claim_sources": fixed({"src1": fixed({"endpoint": "https://graph.windows.net/x"})}),
        },
    ),
    "Microsoft identity platform, Access token claims reference",
)
OKTA: Final = Provider(
    "Okta",
    row(
        "https://acme.okta.com/oauth2/aus1a2b3c4d5e6f7g8h9",
        "https://mcp.example.com/vault/mcp",
        claims={"scopes": ["scp", "groups"], "organization": "tenant"},
    ),
    fixed({"alg": "RS256", "kid": KEY_ID}),
    fixed(
        {
            "ver": 1,
            "jti": OPAQUE.map("AT.".__add__),
            "aud": one_or_list("https://mcp.example.com/vault/mcp"),
            "sub": NAME.filter(bool),
            "cid": OPAQUE,
            "scp": WORDS,
        },
        {"uid": OPAQUE, "groups": st.lists(NAME.filter(bool), max_size=5), "tenant": WORD},
    ),
    "Okta, OpenID Connect & OAuth 2.0 API, Access token payload",
)
AUTH0_RESOURCE: Final = "https://mcp.example.com/vault/mcp"
AUTH0: Final = Provider(
    "Auth0",
    row(
        "https://acme.eu.auth0.com/",
        AUTH0_RESOURCE,
        claims={"scopes": ["scope", "permissions", "https://acme.example.com/roles"], "organization": "org_id"},
    ),
    fixed({"alg": "RS256", "kid": KEY_ID, "typ": st.sampled_from(["JWT", "at+jwt"])}),
    fixed(
        {
            "sub": st.sampled_from(["auth0|5f7c8ec7c33c6c004bbafe82", "google-oauth2|1077", "M2M@clients"]),
            "aud": one_or_list(AUTH0_RESOURCE, "https://acme.eu.auth0.com/userinfo"),
        },
        {
            "azp": OPAQUE,
            "client_id": OPAQUE,
            "jti": OPAQUE,
            "gty": st.sampled_from(["client-credentials", "password"]),
            "scope": joined(WORDS),
            "permissions": WORDS,
            "https://acme.example.com/roles": WORDS,
            "org_id": OPAQUE.map("org_".__add__),
            "org_name": WORD,
        },
    ),
    "Auth0, Access Token Profiles; Custom Claims",
)
GOOGLE_CLIENT: Final = "1234987819200.apps.googleusercontent.com"
GOOGLE: Final = Provider(
    "Google (ID token)",
    row(
        "https://accounts.google.com",
        GOOGLE_CLIENT,
        algorithms=["RS256"],
        jwks_url="https://www.googleapis.com/oauth2/v3/certs",
        claims={"organization": "hd"},
    ),
    fixed({"alg": "RS256", "kid": KEY_ID, "typ": "JWT"}),
    fixed(
        {"aud": GOOGLE_CLIENT, "azp": GOOGLE_CLIENT, "sub": st.integers(10**20, 10**21 - 1).map(str)},
        {
            "at_hash": OPAQUE,
            "nonce": OPAQUE,
            "hd": "example.com",
            "email": NAME,
            "email_verified": st.booleans() | st.sampled_from(["true", "false"]),
            "name": NAME,
            "picture": NAME,
            "locale": "en",
        },
    ),
    "Google, OpenID Connect, An ID token's payload",
)
COGNITO_CLIENT: Final = "1h57kf5cpq17m0eml12EXAMPLE"
COGNITO: Final = Provider(
    "Cognito",
    row(
        "https://cognito-idp.us-west-2.amazonaws.com/us-west-2_EXAMPLE",
        COGNITO_CLIENT,
        audience_claim="client_id",
        algorithms=["RS256"],
        claims={"scopes": ["scope", "cognito:groups"]},
    ),
    fixed({"kid": KEY_ID, "alg": "RS256"}),
    fixed(
        {
            "sub": GUID,
            "client_id": COGNITO_CLIENT,
            "token_use": "access",
            "version": 2,
            "jti": GUID,
            "scope": joined(WORDS),
        },
        {"cognito:groups": WORDS, "origin_jti": GUID, "event_id": GUID, "username": NAME, "device_key": WORD},
    ),
    "Amazon Cognito, Understanding the access token",
)
DEX: Final = Provider(
    "Dex",
    row(
        "https://dex.example.com/dex",
        "vault",
        claims={"scopes": ["groups"], "organization": "federated_claims.connector_id"},
    ),
    fixed({"alg": st.just("RS256"), "kid": KEY_ID}),
    fixed(
        {"sub": OPAQUE.map("Cg".__add__), "aud": one_or_list("vault", "example-app")},
        {
            "at_hash": OPAQUE,
            "c_hash": OPAQUE,
            "azp": "vault",
            "email": NAME,
            "email_verified": st.booleans(),
            "groups": st.lists(NAME.filter(bool), max_size=5),
            "name": NAME,
            "preferred_username": NAME,
            "federated_claims": fixed({"connector_id": WORD, "user_id": NAME}),
        },
    ),
    "Dex, Custom scopes, claims and client features",
)
KEYCLOAK: Final = Provider(
    "Keycloak",
    row(
        "https://keycloak.example.com/realms/tools",
        "https://mcp.example.com/vault/mcp",
        claims={
            "scopes": ["scope", "realm_access.roles", "resource_access.vault.roles"],
            "organization": "organization",
        },
    ),
    fixed({"alg": st.sampled_from(["RS256", "PS512", "ES256", "EdDSA"]), "typ": "JWT", "kid": KEY_ID}),
    fixed(
        {
            "sub": GUID,
            "aud": one_or_list("https://mcp.example.com/vault/mcp", "account"),
            "jti": GUID,
            "typ": "Bearer",
            "azp": "inspector",
            "scope": joined(WORDS),
        },
        {
            "sid": GUID,
            "acr": st.sampled_from(["0", "1"]),
            "allowed-origins": st.just(["http://localhost:6274"]),
            "realm_access": fixed({"roles": WORDS}),
            "resource_access": fixed({"account": fixed({"roles": WORDS})}, {"vault": fixed({"roles": WORDS})}),
            "organization": st.lists(WORD, min_size=1, max_size=2) | st.dictionaries(WORD, fixed({}), max_size=2),
            "email_verified": st.booleans(),
            "preferred_username": NAME,
        },
    ),
    "Keycloak 26, Server Administration Guide, Protocol mappers; Managing organizations",
)
PROVIDERS: Final = (ENTRA_V2, ENTRA_V1, OKTA, AUTH0, GOOGLE, COGNITO, DEX, KEYCLOAK)

KEYS: Final[dict[str, Any]] = {
    "RS": rsa.generate_private_key(65537, 2048),
    "other": rsa.generate_private_key(65537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


def private_key(algorithm: str) -> Any:
    """The key of an algorithm."""
    return KEYS["RS" if algorithm.startswith(("RS", "PS")) else algorithm]


def public_jwk(algorithm: str, **more: Any) -> dict[str, Any]:
    """The public key as JWK."""
    public = private_key(algorithm).public_key()
    found: dict[str, Any] = jwt.get_algorithm_by_name(algorithm).to_jwk(public, as_dict=True)
    return found | more


JWKS: Final = {"keys": [public_jwk(name) for name in ("RS256", "ES256", "EdDSA")]}
"""The public keys, without IDs."""


def signed(header: dict[str, Any], claims: dict[str, Any], key: Any = None) -> str:
    """Return a token with exactly this header, and claims that `jwt.encode` refuses too."""
    algorithm = header["alg"]
    return jwt.api_jws.encode(
        json.dumps(claims).encode(), key or private_key(algorithm), algorithm, {"typ": None, **header}
    )


OTHER: Final = "https://mcp.example.com/other/mcp"
MUTATIONS: Final[dict[str, tuple[dict[str, Any], TokenResult]]] = {
    "expired": ({"exp": 1}, TokenResult.EXPIRED),
    "without an end": ({"exp": None}, TokenResult.CLAIMS),
    "with an end that is no number": ({"exp": "never"}, TokenResult.MALFORMED),
    "with an infinite end": ({"exp": float("inf")}, TokenResult.MALFORMED),
    "with an end that is an object": ({"exp": {}}, TokenResult.MALFORMED),
    "not yet valid": ({"nbf": 2**40}, TokenResult.NOT_YET_VALID),
    "issued in the future": ({"iat": 2**40}, TokenResult.NOT_YET_VALID),
    "without sub": ({"sub": None}, TokenResult.CLAIMS),
    "with an empty sub": ({"sub": "", "oid": ""}, TokenResult.CLAIMS),
    "with a sub that is a number": ({"sub": 1}, TokenResult.CLAIMS),
    "without an issuer": ({"iss": None}, TokenResult.CLAIMS),
    "of another issuer": ({"iss": "https://login.example.org"}, TokenResult.ISSUER),
    "of its issuer with a slash": ({"iss": ENTRA_V2.row.issuer + "/"}, TokenResult.ISSUER),
    "of a list of issuers": ({"iss": [ENTRA_V2.row.issuer]}, TokenResult.ISSUER),
    "for another audience": ({"aud": OTHER, "client_id": OTHER}, TokenResult.AUDIENCE),
    "for other audiences": ({"aud": [OTHER, "account"], "client_id": [OTHER]}, TokenResult.AUDIENCE),
    "for no audience": ({"aud": None, "client_id": None}, TokenResult.CLAIMS),
    "for an empty audience": ({"aud": "", "client_id": ""}, TokenResult.CLAIMS),
    "for no audience of a list": ({"aud": [], "client_id": []}, TokenResult.CLAIMS),
    "for an audience that is an object": ({"aud": {"vault": 1}, "client_id": {"v": 1}}, TokenResult.AUDIENCE),
    "for audiences that are no texts": ({"aud": [1, None], "client_id": [1]}, TokenResult.AUDIENCE),
}
"""Changes to the claims of a valid token, and the result of the check. A claim that is None is left out."""
