"""Tokens of several identity providers at one service, through real Envoys, the gateway and the runtime.

`vault` takes tokens of Keycloak, whose audience is the resource URL, of Microsoft Entra ID, whose audience is a GUID,
and of Amazon Cognito, whose audience is the claim `client_id`. Each names the organization by a claim of its own.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx2
import pytest

from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.components.mesh.service.args import ServiceMeshArgs
from meshed_mcp.local.process.container import RunFolders
from meshed_mcp.local.process.stack_runner import Running, running
from meshed_mcp.local.translate.stack import read_stack
from tests import local_issuer
from tests.engines import local_stack
from tests.engines.processes import free_port
from tests.local_issuer import Issuer

RESOURCE: Final = f"https://{local_stack.HOST}/vault/mcp"
METADATA_URL: Final = f"https://{local_stack.HOST}/.well-known/oauth-protected-resource/vault/mcp"
TENANT: Final = "11111111-2222-4333-8444-555555555555"
APPLICATION: Final = "66666666-7777-4888-9999-aaaaaaaaaaaa"
KEYCLOAK: Final = "https://login.example.com/realms/tools"
ENTRA: Final = f"https://login.microsoftonline.com/{TENANT}/v2.0"
COGNITO: Final = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI"
CLIENT: Final = "1example23456789"
META: Final = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}

CLAIMS: Final[dict[str, dict[str, Any]]] = {
    "keycloak": {"iss": KEYCLOAK, "aud": [RESOURCE, "account"], "sub": "ada", "org": {"name": "acme"}},
    "entra": {"iss": ENTRA, "aud": APPLICATION, "sub": "pairwise", "oid": "ada", "tid": "acme", "scp": "docs.read"},
    "cognito": {"iss": COGNITO, "aud": None, "sub": "ada", "client_id": CLIENT, "custom:org": "acme"},
}
"""Claims of a valid token per provider, of a user of `acme`."""

CHANGES: Final[dict[str, dict[str, Any]]] = {
    "keycloak": {"org": {"name": "globex"}, "tid": "acme", "custom:org": "acme"},
    "entra": {"tid": "globex", "org": {"name": "acme"}, "custom:org": "acme"},
    "cognito": {"custom:org": "globex", "tid": "acme", "org": {"name": "acme"}},
}
"""Changes to a user of `globex`, with the claims that name the organization at the other issuers."""


def rendered(issuers: dict[str, Issuer]) -> list[dict[str, Any]]:
    """The stack with one exposed service."""
    keys = {name: json.loads(issuer.jwks()) for name, issuer in issuers.items()}
    auth = {
        "issuers": [
            {
                "preset": "keycloak",
                "url": "https://login.example.com",
                "realm": "tools",
                "jwks": keys["keycloak"],
                "claims": {"organization": "org.name"},
            },
            {
                "preset": "entra",
                "tenant": TENANT,
                "audiences": ["api://vault", APPLICATION],
                "jwks": keys["entra"],
            },
            {
                "preset": "cognito",
                "user_pool": "eu-west-1_AbCdEfGhI",
                "audiences": [CLIENT],
                "jwks": keys["cognito"],
                "claims": {"organization": "custom:org"},
            },
        ]
    }
    limits = {"organization": {"rate": "1/h", "burst": 2}, "organizations": {"acme": {"rate": "1/h", "burst": 4}}}
    command = [*local_stack.COMMAND[:1], local_stack.COMMAND[1].replace("echo_service", "vault_service")]
    common: dict[str, Any] = {"command": command, "expose": True, "replicas": 1, "auth": auth}
    mesh = ServiceMeshArgs.model_validate({"domain": local_stack.HOST, "namespaces": [local_stack.NAMESPACE]})
    vault = local_stack.arguments(**common, sole_resource=True)
    shop = local_stack.arguments(**common, rate_limits=limits)
    return [
        *cluster.mesh_manifests(mesh),
        *service.service_manifests("vault", vault),
        *service.service_manifests("shop", shop),
    ]


@pytest.fixture(scope="module")
def issuers() -> Iterator[dict[str, Issuer]]:
    """One issuer per provider, each with keys of its own under the same key IDs."""
    with (
        local_issuer.serving() as keycloak,
        local_issuer.serving() as entra,
        local_issuer.serving() as cognito,
    ):
        yield {"keycloak": keycloak, "entra": entra, "cognito": cognito}


@pytest.fixture(scope="module")
def up(issuers: dict[str, Issuer], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The stack, running."""
    state = tmp_path_factory.mktemp("issuers") / "stack"
    with running(
        read_stack(rendered(issuers)), free_port(), RunFolders(state, state / "none"), lambda _: None
    ) as stack:
        yield stack


@pytest.fixture
def call(up: Running) -> Callable[..., httpx2.Response]:
    """Calls `whoami` with a token."""

    def post(token: str, name: str = "vault") -> httpx2.Response:
        params = {"name": "whoami", "arguments": {}, "_meta": META}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        headers = {
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": "2026-07-28",
            "mcp-method": "tools/call",
            "mcp-name": "whoami",
            "authorization": f"Bearer {token}",
        }
        with httpx2.Client(trust_env=False, timeout=30) as client:
            return client.post(f"http://127.0.0.1:{up.gateway_port}/{name}/mcp", json=body, headers=headers)

    return post


@pytest.mark.parametrize("provider", CLAIMS)
def test_sidecar_and_runtime_accept_tokens_of_every_issuer(
    issuers: dict[str, Issuer], call: Callable[..., httpx2.Response], provider: str
) -> None:
    """Requirement IDP-1: one table drives both; the user is the claim that the preset names."""
    answer = call(issuers[provider].token(**CLAIMS[provider]))
    assert answer.status_code == 200, answer.text
    assert f"for {CLAIMS[provider]['iss']}/ada" in answer.text


@pytest.mark.parametrize(
    ("provider", "changed"),
    [
        ("keycloak", {"aud": "account"}),
        ("keycloak", {"aud": None, "client_id": CLIENT}),
        ("entra", {"aud": RESOURCE}),
        ("entra", {"aud": "api://other"}),
        ("cognito", {"client_id": "other"}),
        ("cognito", {"client_id": None}),
        ("cognito", {"client_id": None, "aud": CLIENT}),
    ],
)
def test_a_token_for_another_audience_is_challenged(
    issuers: dict[str, Issuer], call: Callable[..., httpx2.Response], provider: str, changed: dict[str, Any]
) -> None:
    """Requirement IDP-4; RFC 6750, section 3.1: 401 in place of 403, whatever claim holds the audience."""
    answer = call(issuers[provider].token(**CLAIMS[provider] | changed))
    assert answer.status_code == 401, answer.text
    assert answer.headers["www-authenticate"] == (f'Bearer error="invalid_token", resource_metadata="{METADATA_URL}"')


@pytest.mark.parametrize("provider", CLAIMS)
def test_a_token_of_one_issuer_with_keys_of_another_is_challenged(
    issuers: dict[str, Issuer], call: Callable[..., httpx2.Response], provider: str
) -> None:
    """Requirement IDP-4: keys belong to their issuer, although the key IDs are equal."""
    for name, issuer in issuers.items():
        expected = 200 if name == provider else 401
        assert call(issuer.token(**CLAIMS[provider])).status_code == expected


def test_the_organization_is_the_claim_of_the_tokens_issuer(
    issuers: dict[str, Issuer], call: Callable[..., httpx2.Response]
) -> None:
    """Requirement IDP-3: a claim that names the organization at another issuer changes no limit."""
    statuses = []
    for provider, claims in CLAIMS.items():
        token = issuers[provider].token(**claims | CHANGES[provider] | {"aud": shop_audience(provider)})
        statuses.append(call(token, "shop").status_code)
    assert statuses == [200, 200, 429]
    token = issuers["entra"].token(**CLAIMS["entra"])
    assert [call(token, "shop").status_code for _ in range(5)] == [200] * 4 + [429]


def shop_audience(provider: str) -> Any:
    """Audience of a token for the service with limits."""
    return RESOURCE.replace("vault", "shop") if provider == "keycloak" else CLAIMS[provider]["aud"]


@pytest.mark.parametrize("path", ["/vault/mcp", ""])
def test_the_metadata_names_every_issuer_at_both_paths(up: Running, path: str) -> None:
    """RFC 9728, sections 2 and 3.1; requirement IDP-5; Fetch, "CORS-preflight request": a page may read it."""
    url = f"http://127.0.0.1:{up.gateway_port}/.well-known/oauth-protected-resource{path}"
    page = {"origin": "https://chat.example.com"}
    asked = {"access-control-request-method": "GET", "access-control-request-headers": "mcp-protocol-version"}
    with httpx2.Client(trust_env=False, timeout=30, headers=page) as client:
        answer = client.get(url)
        preflight = client.options(url, headers=asked)
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert document["resource"] == RESOURCE
    assert document["authorization_servers"] == [KEYCLOAK, ENTRA, COGNITO]
    assert answer.headers["access-control-allow-origin"] == "*"
    assert preflight.status_code < 300, preflight.text
    assert preflight.headers["access-control-allow-origin"] == "*"
