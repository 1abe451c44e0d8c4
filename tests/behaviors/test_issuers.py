"""A process that accepts tokens of several issuers: discovery of keys, rules of each issuer, the metadata document."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest
from mcp.shared.auth import ProtectedResourceMetadata

from meshed_mcp import contract
from tests import local_issuer
from tests.behaviors.replicas import Service, StartService
from tests.behaviors.test_tokens import post
from tests.local_issuer import AUDIENCE, HOUR, ISSUER, Issuer, environment, row

PATH: Final = "/.well-known/oauth-protected-resource"
OPENID: Final = "/.well-known/openid-configuration"
OAUTH: Final = "/.well-known/oauth-authorization-server"
GUID: Final = "6e74172b-be56-4843-9ff4-e66a39bb12e3"
PAGE: Final = "http://localhost:6274"


@dataclass
class Issuers:
    """Three issuers: keys at a URL, found by OpenID Connect, found by RFC 8414."""

    named: Issuer
    openid: Issuer
    oauth: Issuer

    def rows(self) -> list[dict[str, Any]]:
        """The table."""
        own = {"audiences": [GUID, f"api://{GUID}"], "claims": {"subject": "oid", "scopes": ["scp", "roles"]}}
        return [
            row(jwks_url=self.named.url),
            {"issuer": base(self.openid), "clock_skew_seconds": 0} | own,
            {"issuer": base(self.oauth) + "/realms/tools", "audiences": ["vault"], "algorithms": ["ES256"]},
        ]


def base(issuer: Issuer) -> str:
    """The address of an issuer."""
    return issuer.url.removesuffix("/jwks")


@pytest.fixture(scope="module")
def issuers() -> Iterator[Issuers]:
    """The issuers, with their metadata."""
    with ExitStack() as stack:
        found = Issuers(*(stack.enter_context(local_issuer.serving()) for _ in range(3)))
        found.openid.documents = {OPENID: {"issuer": base(found.openid), "jwks_uri": found.openid.url}}
        name = base(found.oauth) + "/realms/tools"
        found.oauth.documents = {
            "/realms/tools" + OPENID: {"issuer": name + "/", "jwks_uri": found.named.url},
            OAUTH + "/realms/tools": {"issuer": name, "jwks_uri": found.oauth.url},
        }
        yield found


@pytest.fixture(scope="module")
def service(issuers: Issuers, start_shared: StartService) -> Service:
    """A service that takes the tokens of all three."""
    return start_shared(**environment(*issuers.rows()), **{contract.ENV_AUTH_SCOPES: "docs.read"})


def entra_token(issuers: Issuers, **claims: Any) -> str:
    """A token in the shape of Microsoft Entra ID."""
    shape = {"iss": base(issuers.openid), "aud": GUID, "oid": "1", "scope": None, "scp": "docs.read openid"}
    return issuers.openid.token(**shape | claims)


def test_tokens_of_every_issuer_are_accepted_by_its_own_rules(service: Service, issuers: Issuers) -> None:
    """Requirement TOK-4: audiences, claims, algorithms and clock skew are those of the row of the token's issuer."""
    name = base(issuers.oauth) + "/realms/tools"
    accepted = [
        issuers.named.token(),
        entra_token(issuers),
        entra_token(issuers, aud=f"api://{GUID}", scp=None, roles=["docs.read"]),
        issuers.oauth.token("curve", iss=name, aud=["account", "vault"]),
    ]
    for token in accepted:
        assert post(service, token, text="x").status_code == 200
    rejected = [
        entra_token(issuers, aud=AUDIENCE),
        entra_token(issuers, oid=None),
        entra_token(issuers, exp=HOUR),
        issuers.oauth.token("one", iss=name, aud="vault"),
        issuers.oauth.token("curve", iss=name + "/", aud="vault"),
    ]
    for token in rejected:
        assert post(service, token, text="x").status_code == 401
    missing = post(service, entra_token(issuers, scp="openid"), text="x")
    assert (missing.status_code, 'error="insufficient_scope"' in missing.headers["www-authenticate"]) == (403, True)


def test_a_token_of_one_issuer_signed_by_another_is_rejected(service: Service, issuers: Issuers) -> None:
    """Requirement TOK-1: all issuers use the key ID `one`, and each verifies its own tokens alone."""
    assert post(service, issuers.openid.token(), text="x").status_code == 401
    assert post(service, entra_token(issuers), text="x").status_code == 200
    for other in (issuers.named, issuers.oauth):
        token = other.token(iss=base(issuers.openid), aud=GUID, oid="1", scp="docs.read")
        assert post(service, token, text="x").status_code == 401


def test_an_issuer_that_is_down_fails_its_own_tokens_alone(issuers: Issuers, start_service: StartService) -> None:
    """Requirement RUN-10: 503 for the tokens that cannot be verified, and no effect on those of other issuers."""
    broken = {"issuer": f"{base(issuers.openid)}/broken", "audiences": ["vault"]}
    service = start_service(**environment(row(jwks_url=issuers.named.url), broken))
    assert post(service, issuers.openid.token(iss=broken["issuer"], aud="vault"), text="x").status_code == 503
    assert post(service, issuers.named.token(), text="x").status_code == 200
    assert service.said(f"no keys from {broken['issuer']}: DiscoveryError")


@pytest.mark.parametrize("path", [f"{PATH}/vault/mcp", PATH])
def test_the_metadata_is_at_both_places_and_lists_every_issuer_for_every_origin(
    service: Service, issuers: Issuers, path: str
) -> None:
    """RFC 9728, sections 3 and 3.1; MCP 2026-07-28: with the path inserted, then at the root; browsers read it too."""
    address = f"http://127.0.0.1:{service.port}{path}"
    response = httpx.get(address, headers={"origin": PAGE}, trust_env=False)
    assert response.json() == {
        "resource": AUDIENCE,
        "authorization_servers": [ISSUER, base(issuers.openid), base(issuers.oauth) + "/realms/tools"],
        "scopes_supported": ["docs.read"],
        "bearer_methods_supported": ["header"],
        "resource_name": "mcp-waiting",
    }
    assert response.headers["access-control-allow-origin"] == "*"
    preflight = httpx.options(
        address,
        headers={
            "origin": PAGE,
            "access-control-request-method": "GET",
            "access-control-request-headers": "mcp-protocol-version",
        },
        trust_env=False,
    )
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, "*")
    assert preflight.headers["access-control-allow-headers"].lower().find("mcp-protocol-version") >= 0
    assert ProtectedResourceMetadata.model_validate(response.json()).resource is not None
    assert httpx.post(address, trust_env=False).status_code == 405


def test_an_issuer_that_is_no_url_is_not_listed_for_clients(issuers: Issuers, start_service: StartService) -> None:
    """RFC 9728, section 2: `authorization_servers` are issuers that clients can discover, and are optional."""
    named = {"issuer": "accounts.example.com", "audiences": ["vault"], "jwks_url": issuers.named.url}
    service = start_service(**environment(named))
    document = httpx.get(f"http://127.0.0.1:{service.port}{PATH}", trust_env=False).json()
    assert document == {"resource": AUDIENCE, "bearer_methods_supported": ["header"], "resource_name": "mcp-waiting"}
    assert post(service, issuers.named.token(iss="accounts.example.com", aud="vault"), text="x").status_code == 200


def test_several_authorization_headers_are_no_token(service: Service, issuers: Issuers) -> None:
    """RFC 9110, section 5.3: a proxy and the server could choose different ones."""
    headers = [("authorization", f"Bearer {issuers.named.token()}"), ("authorization", "Bearer x")]
    for sent in (headers, headers[::-1]):
        assert httpx.post(service.url, headers=sent, trust_env=False).status_code == 401


def test_a_session_belongs_to_the_user_of_one_issuer(issuers: Issuers, start_service: StartService) -> None:
    """Requirement TOK-1; MCP 2025-11-25, "Session Hijacking": subjects of two issuers are two users."""
    other = {"issuer": base(issuers.openid), "audiences": [AUDIENCE]}
    rows = environment(row(jwks_url=issuers.named.url), other)
    service = start_service(**rows, **{contract.ENV_LEGACY: contract.Legacy.STICKY})
    parameters = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    opened = in_session(service, issuers.named.token(), "initialize", parameters)
    session = opened.headers["mcp-session-id"]
    assert in_session(service, issuers.named.token(), "ping", {}, session).status_code == 200
    taken = issuers.openid.token(iss=base(issuers.openid))
    assert in_session(service, taken, "initialize", parameters).status_code == 200
    assert in_session(service, taken, "ping", {}, session).status_code == 404


def in_session(
    service: Service, token: str, method: str, params: dict[str, Any], session: str | None = None
) -> httpx.Response:
    """A request of a client up to 2025-11-25."""
    headers = {
        "accept": "application/json, text/event-stream",
        "authorization": f"Bearer {token}",
        "mcp-protocol-version": "2025-11-25",
        **({"mcp-session-id": session} if session else {}),
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return httpx.post(service.url, json=body, headers=headers, trust_env=False, timeout=30)
