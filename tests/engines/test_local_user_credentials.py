"""Pages of user credentials through the rendered gateway and sidecar: open to browsers, unlike the endpoint."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.components.mesh.service.args import ServiceMeshArgs
from meshed_mcp.local.process.container import RunFolders
from meshed_mcp.local.process.stack_runner import Running, running
from meshed_mcp.local.translate.stack import read_stack
from tests.engines import local_stack
from tests.engines.processes import free_port
from tests.engines.waiting import wait_for
from tests.local_issuer import ISSUER, Issuer

SCRIPT: Final = Path(__file__).parents[1] / "behaviors" / "vault_of_users_service.py"
BASE: Final = f"https://{local_stack.HOST}/vault/mcp"
META: Final = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"url": {}}},
}
SECRETS: Final = {"keys": "k" * 64, "login": "s", "notes": "s"}


def client(host: str, key: str) -> dict[str, Any]:
    """Settings of a client."""
    return {
        "authorization_endpoint": f"https://{host}/authorize",
        "token_endpoint": f"https://{host}/token",
        "client_id": "vault",
        "client_secret": {"secret": "vault", "key": key},
    }


@pytest.fixture(scope="module")
def up(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The stack, running."""
    folder = tmp_path_factory.mktemp("credentials")
    secrets = folder / "secrets" / "vault"
    secrets.mkdir(parents=True)
    for name, value in {**SECRETS, "url": f"sqlite:///{folder / 'vault.db'}"}.items():
        (secrets / name).write_text(value)
    credentials = {
        "keys": {"secret": "vault", "key": "keys"},
        "login": client("login.example.com", "login"),
        "providers": {"notes": client("notes.example.net", "notes"), "search": {"kind": "text"}},
    }
    vault = local_stack.arguments(
        command=["python", str(SCRIPT)],
        auth={"issuers": [{"issuer": ISSUER, "jwks": json.loads(issuer.jwks())}]},
        user_credentials=credentials,
        database={"secret": "vault", "key": "url"},
        expose=True,
        replicas=1,
    )
    mesh = ServiceMeshArgs.model_validate({"domain": local_stack.HOST, "namespaces": [local_stack.NAMESPACE]})
    stack = read_stack([*cluster.mesh_manifests(mesh), *service.service_manifests("vault", vault)])
    folders = RunFolders(folder / "state", folder / "secrets")
    with running(stack, free_port(), folders, lambda _: None) as found:
        yield found


def get(up: Running, path: str, **headers: str) -> httpx2.Response:
    """A request of a browser through the gateway."""
    url = f"http://127.0.0.1:{up.gateway_port}{path}"
    return httpx2.get(url, headers={"host": local_stack.HOST, **headers}, follow_redirects=False, trust_env=False)


def link(up: Running, token: str) -> str:
    """The link that a user gets from a tool."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "notes", "_meta": META}}
    headers = {
        "host": local_stack.HOST,
        "authorization": f"Bearer {token}",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": "notes",
    }
    url = f"http://127.0.0.1:{up.gateway_port}/vault/mcp"
    result = httpx2.post(url, json=body, headers=headers, trust_env=False, timeout=30).json()["result"]
    return str(result["inputRequests"]["user-credential-notes"]["params"]["url"])


def test_a_browser_opens_the_link_of_a_tool_through_the_mesh_without_a_token(up: Running, issuer: Issuer) -> None:
    """Requirement USR-9: the link is below the public URL, and redirects to the login with public redirect URLs."""
    url = link(up, issuer.token(aud=BASE))
    assert url.startswith(f"{BASE}/credentials/connect?state=")
    parts = urlsplit(url)
    response = get(up, f"{parts.path}?{parts.query}")
    assert response.status_code == 303, response.text
    target = urlsplit(response.headers["location"])
    assert (target.netloc, target.path) == ("login.example.com", "/authorize")
    query = parse_qs(target.query)
    assert query["redirect_uri"] == [f"{BASE}/credentials/login"]
    assert query["scope"] == ["openid"]
    assert response.headers["set-cookie"].startswith("__Host-meshed-mcp-browser=")
    assert "secure" in response.headers["set-cookie"].lower()


def test_only_the_pages_are_open(up: Running) -> None:
    """Requirement USR-9: everything else of the service still needs a token, at the gateway and the sidecar."""
    assert get(up, "/vault/mcp/credentials/connect?state=x").status_code == 400
    assert get(up, "/vault/mcp/credentials/connect", authorization="Bearer x").status_code == 401
    for path in ("/vault/mcp", "/vault/mcp/other", "/vault/mcp/credential"):
        assert get(up, path).status_code == 401, path
    assert get(up, "/vault/mcp/credentialsx").status_code in (401, 403, 404)
    for path in ("", "/"):
        assert get(up, f"/vault/mcp/credentials{path}").status_code == 303
    for path in ("/vault/mcp/credentials/%2e%2e", "/vault/mcp/credentials/../../mcp", "/vault/mcp/credentials/x"):
        assert get(up, path).status_code in (400, 401, 403, 404), path


def test_access_logs_of_proxies_have_paths_without_states_and_codes(up: Running) -> None:
    """Requirement USR-4: a query can hold an authorization code, so no proxy logs it."""
    assert get(up, "/vault/mcp/credentials/connect?state=secret-state&code=secret-code").status_code == 400
    wait_for(lambda: '"path":"/vault/mcp/credentials/connect"' in proxy_logs(up), "a line of a proxy")
    assert "secret-" not in proxy_logs(up)


def proxy_logs(up: Running) -> str:
    """Logs of all proxies."""
    return "".join(path.read_text() for path in up.folders.state.rglob("*envoy*.log"))
