"""Tokens at a service behind the gateway and its sidecar: where a client learns of them, and what they open."""

from collections.abc import Iterator
from typing import Any, Final

import httpx2
import local_stack
import pytest
from processes import free_port

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh import cluster, service
from meshed_mcp.components.mesh.args import ServiceMeshArgs
from meshed_mcp.local.container import Places
from meshed_mcp.local.running import Running, running
from meshed_mcp.local.stack import read_stack
from meshed_mcp.local.topology import OUTBOUND_PORT
from tests import local_issuer
from tests.local_issuer import ISSUER, Issuer

RESOURCE: Final = f"https://{local_stack.HOST}/vault/mcp"
METADATA_PATH: Final = "/.well-known/oauth-protected-resource/vault/mcp"
BODY: Final = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {
        "name": "whoami",
        "arguments": {},
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    },
}


def rendered(issuer: Issuer) -> list[Manifest]:
    """`vault` with tokens, exposed and called by `front`; its keys come from this machine instead of the internet."""
    auth = {"issuer": ISSUER, "jwks_url": "https://login.example.com/jwks", "scopes": ["docs.read"]}
    command = [*local_stack.COMMAND[:1], local_stack.COMMAND[1].replace("echo_service", "vault_service")]
    vault = local_stack.arguments(command=command, callers=["front"], expose=True, auth=auth, replicas=1)
    objects = [
        *cluster.manifests(ServiceMeshArgs.model_validate({"domain": local_stack.HOST, "namespaces": ["mcp-system"]})),
        *service.manifests("front", local_stack.arguments(replicas=1)),
        *service.manifests("vault", vault),
    ]
    deployment = next(item for item in objects if (item["kind"], item["metadata"]["name"]) == ("Deployment", "vault"))
    environment: list[dict[str, Any]] = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
    for variable in environment:
        if variable["name"] == contract.ENV_AUTH_JWKS_URL:
            variable["value"] = issuer.url
    environment.append({"name": "NO_PROXY", "value": "127.0.0.1"})
    return objects


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """An issuer on this machine."""
    with local_issuer.serving() as running_issuer:
        yield running_issuer


@pytest.fixture(scope="module")
def up(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The stack, running."""
    state = tmp_path_factory.mktemp("tokens") / "stack"
    with running(read_stack(rendered(issuer)), free_port(), Places(state, state / "none"), lambda _: None) as stack:
        yield stack


def post(url: str, token: str | None, proxy: str | None = None) -> httpx2.Response:
    """One call of `whoami`."""
    headers = {
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": "whoami",
        **({"authorization": f"Bearer {token}"} if token else {}),
    }
    with httpx2.Client(trust_env=False, timeout=30, proxy=proxy) as client:
        return client.post(url, json=BODY, headers=headers)


def test_a_client_from_outside_learns_of_the_issuer_gets_in_with_its_token_and_is_known_by_both_names(
    up: Running, issuer: Issuer
) -> None:
    """MCP, "Authorization", "Protected Resource Metadata Discovery": challenge, metadata, token."""
    gateway = f"http://127.0.0.1:{up.gateway_port}"
    challenge = post(f"{gateway}/vault/mcp", None)
    assert challenge.status_code == 401
    metadata_url = f"https://{local_stack.HOST}{METADATA_PATH}"
    assert challenge.headers["www-authenticate"] == f'Bearer scope="docs.read", resource_metadata="{metadata_url}"'
    with httpx2.Client(trust_env=False, timeout=30) as client:
        metadata = client.get(f"{gateway}{METADATA_PATH}").json()
    assert (metadata["resource"], metadata["authorization_servers"]) == (RESOURCE, [ISSUER])
    answer = post(f"{gateway}/vault/mcp", issuer.token(aud=metadata["resource"]))
    caller = answer.json()["result"]["structuredContent"]["result"]
    assert caller == f"cluster.local/ns/istio-ingress/sa/istio-ingress for {ISSUER}/ada"


@pytest.mark.parametrize("claims", [{"exp": 1}, {"aud": "https://mcp.example.com/other/mcp"}, {"iss": "https://evil"}])
def test_a_bad_token_stays_outside(up: Running, issuer: Issuer, claims: dict[str, Any]) -> None:
    """MCP, "Authorization", "Token Handling"."""
    token = issuer.token(**{"aud": RESOURCE} | claims)
    assert post(f"http://127.0.0.1:{up.gateway_port}/vault/mcp", token).status_code == 401


def test_a_service_of_the_mesh_needs_a_token_too(up: Running, issuer: Issuer) -> None:
    """Product rule: `auth` holds for every request."""
    front = next(pod for pod in up.topology.pods if pod.name == "front-0")
    proxy = f"http://{front.address}:{OUTBOUND_PORT}"
    assert post("http://vault:8000/mcp", None, proxy).status_code == 401
    answer = post("http://vault:8000/mcp", issuer.token(aud=RESOURCE), proxy)
    assert answer.json()["result"]["structuredContent"]["result"] == f"{front.identity.principal} for {ISSUER}/ada"
