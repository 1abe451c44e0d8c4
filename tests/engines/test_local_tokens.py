"""Token validation by the gateway, the sidecars and the services.

`vault` gets its keys from the stack; the keys of `safe` are at a URL, so the run is its issuer.
"""

import json
import ssl
from collections.abc import Iterator
from typing import Any, Final

import anyio
import httpx2
import pytest

from meshed_mcp import contract
from meshed_mcp.agents.auth import middleware
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.authorization import tokens
from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.components.mesh.service.args import ServiceMeshArgs
from meshed_mcp.local.process.container import RunFolders
from meshed_mcp.local.process.stack_runner import TOKENS, Running, running
from meshed_mcp.local.translate.endpoints import through_mesh
from meshed_mcp.local.translate.stack import read_stack
from meshed_mcp.local.translate.topology import INBOUND_PORT, OUTBOUND_PORT
from meshed_mcp.local.verification import Call, make_calls, verify_rejections
from tests.engines import local_stack
from tests.engines.processes import free_port
from tests.local_issuer import ISSUER, Issuer

RESOURCE: Final = f"https://{local_stack.HOST}/vault/mcp"
METADATA_PATH: Final = "/.well-known/oauth-protected-resource/vault/mcp"
METADATA_URL: Final = f"https://{local_stack.HOST}{METADATA_PATH}"
CLAIM_HEADER: Final = "x-organization-id"
META: Final = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


def rendered(issuer: Issuer) -> list[Manifest]:
    """`vault` and `safe` with tokens, exposed and called by `front`."""
    command = [*local_stack.COMMAND[:1], local_stack.COMMAND[1].replace("echo_service", "vault_service")]
    given = {
        "issuers": [{"issuer": ISSUER, "jwks": json.loads(issuer.jwks())}],
        "scopes": ["docs.read"],
        "claims_to_headers": {"org": CLAIM_HEADER},
    }
    fetched = {"issuers": [{"issuer": ISSUER, "jwks_url": "https://login.example.com/jwks"}], "scopes": ["docs.read"]}
    common: dict[str, Any] = {"command": command, "callers": ["front"], "expose": True, "replicas": 1}
    mesh = ServiceMeshArgs.model_validate({"domain": local_stack.HOST, "namespaces": [local_stack.NAMESPACE]})
    return [
        *cluster.mesh_manifests(mesh),
        *service.service_manifests("front", local_stack.arguments(replicas=1)),
        *service.service_manifests("vault", local_stack.arguments(auth=given, **common)),
        *service.service_manifests("safe", local_stack.arguments(auth=fetched, **common)),
    ]


@pytest.fixture(scope="module")
def up(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The stack, running."""
    state = tmp_path_factory.mktemp("tokens") / "stack"
    with running(read_stack(rendered(issuer)), free_port(), RunFolders(state, state / "none"), lambda _: None) as stack:
        yield stack


def gateway(up: Running, path: str = "/vault/mcp") -> str:
    """A URL for clients from outside."""
    return f"http://127.0.0.1:{up.gateway_port}{path}"


def sidecar_of_front(up: Running) -> str:
    """The proxy that a call of `front` goes through."""
    front = next(pod for pod in up.topology.pods if pod.name == "front-0")
    return f"http://{front.address}:{OUTBOUND_PORT}"


def post(
    url: str, token: str | None, proxy: str | None = None, tool: str = "whoami", **headers: str
) -> httpx2.Response:
    """One call of a tool."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {}, "_meta": META}}
    sent = {
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": tool,
        **({"authorization": f"Bearer {token}"} if token else {}),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    with httpx2.Client(trust_env=False, timeout=30, proxy=proxy) as client:
        return client.post(url, json=body, headers=sent)


def result(answer: httpx2.Response) -> str:
    """What the tool returned."""
    return str(answer.json()["result"]["structuredContent"]["result"])


def test_an_external_client_discovers_the_issuer_and_is_known_by_both_identities(up: Running, issuer: Issuer) -> None:
    """MCP, "Authorization", "Protected Resource Metadata Discovery": challenge, metadata, token."""
    refused = post(gateway(up), None)
    assert (refused.status_code, refused.text) == (401, tokens.CHALLENGE_TEXT)
    assert refused.headers["www-authenticate"] == f'Bearer scope="docs.read", resource_metadata="{METADATA_URL}"'
    with httpx2.Client(trust_env=False, timeout=30) as client:
        metadata = client.get(gateway(up, METADATA_PATH)).json()
    assert (metadata["resource"], metadata["authorization_servers"]) == (RESOURCE, [ISSUER])
    answer = post(gateway(up), issuer.token(aud=metadata["resource"]))
    assert result(answer) == f"cluster.local/ns/istio-ingress/sa/istio-ingress for {ISSUER}/ada"


def test_the_proxys_challenge_equals_the_servers(up: Running) -> None:
    """Requirement SEC-4: proxy and server send the same challenge; the server is the second layer."""
    vault = next(pod for pod in up.topology.pods if pod.name == "vault-0")
    own = post(f"http://{vault.address}:{vault.port}/mcp", None, host="vault")
    assert own.status_code == 401
    assert own.headers["www-authenticate"] == post(gateway(up), None).headers["www-authenticate"]
    assert own.headers["www-authenticate"] == middleware.challenge(METADATA_URL, ["docs.read"])


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        pytest.param({"exp": 1}, (401, "Jwt is expired"), id="expired"),
        pytest.param({"nbf": 2**33}, (401, "Jwt not yet valid"), id="not valid yet"),
        pytest.param(
            {"aud": "https://mcp.example.com/other/mcp"},
            (401, "Audiences in Jwt are not allowed"),
            id="another audience",
        ),
        pytest.param({"aud": None}, (401, "Audiences in Jwt are not allowed"), id="no audience"),
        pytest.param({"iss": "https://evil.example.com"}, (401, "Jwt issuer is not configured"), id="another issuer"),
    ],
)
@pytest.mark.parametrize("way", ["gateway", "mesh"])
def test_an_invalid_token_is_rejected_by_the_sidecar(
    up: Running, issuer: Issuer, claims: dict[str, Any], expected: tuple[int, str], way: str
) -> None:
    """Requirement IDP-4: whatever is invalid about a token, the sidecar challenges. RFC 6750, section 3.1."""
    token = issuer.token(**{"aud": RESOURCE} | claims)
    url, proxy = (gateway(up), None) if way == "gateway" else ("http://vault:8000/mcp", sidecar_of_front(up))
    answer = post(url, token, proxy)
    assert (answer.status_code, answer.text) == expected
    assert answer.headers["www-authenticate"] == (
        f'Bearer error="invalid_token", scope="docs.read", resource_metadata="{METADATA_URL}"'
    )


@pytest.mark.parametrize("forge", ["unsigned", "signed_with_the_public_key", "changed"])
def test_a_forged_token_is_rejected(up: Running, issuer: Issuer, forge: str) -> None:
    """RFC 8725, sections 3.1 and 3.2: no unsigned tokens, no shared secrets."""
    assert post(gateway(up), getattr(issuer, forge)()).status_code == 401


@pytest.mark.parametrize(
    "headers", [{"authorization": "Basic YTpi"}, {"authorization": "bearer x"}, {"x_token": "anything"}]
)
def test_other_authorization_schemes_count_as_no_token(up: Running, headers: dict[str, str]) -> None:
    """MCP, "Authorization", "Token Requirements": in this header, with this scheme."""
    answer = post(gateway(up), None, **headers)
    assert (answer.status_code, answer.text) == (401, tokens.CHALLENGE_TEXT)


def test_a_token_in_the_query_is_ignored(up: Running, issuer: Issuer) -> None:
    """MCP, "Authorization": access tokens MUST NOT be included in the URI query string; Istio's default allows it."""
    assert post(gateway(up, f"/vault/mcp?access_token={issuer.token(aud=RESOURCE)}"), None).status_code == 401


def test_a_caller_in_the_mesh_needs_a_token_too(up: Running, issuer: Issuer) -> None:
    """Requirement SEC-4: `auth` holds for every request; the destination's sidecar rejects a caller in the mesh."""
    proxy = sidecar_of_front(up)
    refused = post("http://vault:8000/mcp", None, proxy)
    assert (refused.status_code, refused.text) == (401, tokens.CHALLENGE_TEXT)
    answer = post("http://vault:8000/mcp", issuer.token(aud=RESOURCE), proxy)
    assert result(answer) == f"cluster.local/ns/mcp-system/sa/front for {ISSUER}/ada"


def test_a_request_that_bypasses_the_challenge_is_rejected_by_the_services_sidecar(up: Running) -> None:
    """Requirement SEC-10: the destination's sidecar does not rely on the challenge of the client's proxy."""
    vault = next(pod for pod in up.topology.pods if pod.name == "vault-0")
    files = up.folders.state / "certificates"
    trust = ssl.create_default_context(cafile=files / "root.pem")
    trust.check_hostname = False  # identities of the mesh are no host names
    trust.load_cert_chain(files / "mcp-system.front.pem", files / "mcp-system.front.key")
    url = f"https://{vault.address}:{INBOUND_PORT}"
    with httpx2.Client(trust_env=False, timeout=30, verify=trust) as client:
        refused = client.post(f"{url}/mcp", json={})
        other = client.post(f"{url}/other", json={})
        metadata = client.get(f"{url}{METADATA_PATH}", headers={"host": "vault"})
    assert (refused.status_code, refused.text) == (401, tokens.CHALLENGE_TEXT)
    assert refused.headers["www-authenticate"] == f'Bearer scope="docs.read", resource_metadata="{METADATA_URL}"'
    assert (other.status_code, other.text) == (403, "RBAC: access denied")
    assert metadata.status_code == 200


@pytest.mark.parametrize("way", ["gateway", "mesh"])
def test_a_claim_reaches_the_service_and_a_forged_one_never_does(up: Running, issuer: Issuer, way: str) -> None:
    """Requirement SEC-2: a declared header holds the verified claim, or nothing."""
    url, proxy = (gateway(up), None) if way == "gateway" else ("http://vault:8000/mcp", sidecar_of_front(up))
    named, nameless = issuer.token(aud=RESOURCE, org="acme"), issuer.token(aud=RESOURCE)
    assert result(post(url, named, proxy, "organization")) == "acme"
    assert result(post(url, named, proxy, "organization", x_organization_id="evil")) == "acme"
    assert result(post(url, nameless, proxy, "organization", x_organization_id="evil")) == ""


def test_a_missing_scope_is_named_by_the_server(up: Running, issuer: Issuer) -> None:
    """MCP, "Authorization", "Scope Challenge Handling": 403 with the scopes; the mesh does not know which."""
    answer = post(gateway(up), issuer.token(aud=RESOURCE, scope="other"))
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


def test_with_keys_at_a_url_the_run_is_the_issuer(up: Running) -> None:
    """Requirement LOC-1: a stack with tokens can be tried without its issuer."""
    token = (up.folders.state / TOKENS / "mcp-system" / "safe").read_text()
    assert result(post(gateway(up, "/safe/mcp"), token)) == (
        f"cluster.local/ns/istio-ingress/sa/istio-ingress for {ISSUER}/local-run"
    )
    assert post(gateway(up, "/vault/mcp"), token).status_code == 401
    assert not (up.folders.state / TOKENS / "mcp-system" / "vault").exists()
    safe = next(each for each in up.topology.stack.services if each.name == "safe")
    assert contract.MCP_PATH in str(through_mesh(up, safe))


def test_the_runs_own_calls_have_tokens_and_unauthorized_callers_are_rejected(up: Running) -> None:
    """Requirement LOC-1: `make local` works for a stack with tokens."""
    printed: list[str] = []
    anyio.run(make_calls, up, [Call("safe", "read", {})], printed.append)
    assert printed == ["safe/read answered: read"]
    assert anyio.run(verify_rejections, up.topology).callers > 0
