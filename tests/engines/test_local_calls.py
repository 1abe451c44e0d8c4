"""A user through two services of the local mesh: the second one sees the user, and the first one as the actor."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.egress.service_entry import service_entry_manifest
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.components.mesh.service.args import ServiceMeshArgs
from meshed_mcp.local.process.container import RunFolders
from meshed_mcp.local.process.stack_runner import Running, running
from meshed_mcp.local.translate.stack import read_stack
from meshed_mcp.local.translate.topology import OUTBOUND_PORT
from tests import authorization_server
from tests.authorization_server import AuthorizationServer
from tests.engines import local_stack
from tests.engines.processes import free_port

ISSUER: Final = "https://login.example.com"
FRONT: Final = f"https://{local_stack.HOST}/front/mcp"
BACK: Final = "http://back.mcp-system.svc.cluster.local:8000/mcp"
RELAY: Final = Path(__file__).parents[1] / "behaviors" / "relay_service.py"
PRINCIPAL: Final = "cluster.local/ns/mcp-system/sa/front"
META: Final = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


def rendered(server: AuthorizationServer) -> list[Manifest]:
    """`front`, exposed, exchanges the tokens of its callers for tokens for `back`, which it alone may call."""
    issuer = {"issuer": ISSUER, "jwks": json.loads(server.jwks())}
    common: dict[str, Any] = {"command": ["python", str(RELAY)], "auth": {"issuers": [issuer]}, "replicas": 1}
    call = {
        "auth": "token_exchange",
        "token_endpoint": f"{ISSUER}/token",
        "client_id": "front",
        "client_secret": {"secret": "front-client", "key": "secret"},
        "resource": BACK,
    }
    env = {"TARGET": "http://back:8000/mcp"}
    mesh = ServiceMeshArgs.model_validate({"domain": local_stack.HOST, "namespaces": [local_stack.NAMESPACE]})
    front = local_stack.arguments(**common, expose=True, calls={"back": call}, env=env)
    objects = [
        *cluster.mesh_manifests(mesh),
        *service.service_manifests("front", front),
        *service.service_manifests("back", local_stack.arguments(**common, callers=["front"], env={})),
    ]
    return [*objects, *on_this_machine(objects, int(server.url.rpartition(":")[2]))]


def on_this_machine(objects: list[Manifest], port: int) -> list[Manifest]:
    """Move the token endpoint to loopback, which no stack file may name, and return the way to it."""
    for item in objects:
        for container in item["spec"]["template"]["spec"]["containers"] if item["kind"] == "Deployment" else ():
            for variable in container["env"]:
                if variable["name"] == contract.ENV_OUTBOUND_CALLS:
                    variable["value"] = variable["value"].replace(ISSUER, f"http://localhost:{port}")
    return [service_entry_manifest("issuer", local_stack.NAMESPACE, (port,), ["localhost"], plain=(port,))]


@pytest.fixture(scope="module")
def server() -> Iterator[AuthorizationServer]:
    """An authorization server, which signs in the name of the stack's issuer."""
    with authorization_server.serving() as running_server:
        yield running_server


@pytest.fixture(scope="module")
def up(server: AuthorizationServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The stack, running."""
    folder = tmp_path_factory.mktemp("calls")
    secret = folder / "secrets" / "front-client" / "secret"
    secret.parent.mkdir(parents=True)
    secret.write_text(server.secrets["front"])
    folders = RunFolders(folder / "stack", folder / "secrets")
    with running(read_stack(rendered(server)), free_port(), folders, lambda _: None) as stack:
        server.url = ISSUER
        yield stack


def post(url: str, token: str, name: str, proxy: str | None = None, **arguments: str) -> httpx2.Response:
    """One call of a tool."""
    params = {"name": name, "arguments": arguments, "_meta": META}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = {
        "accept": "application/json, text/event-stream",
        "authorization": f"Bearer {token}",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": name,
    }
    with httpx2.Client(trust_env=False, timeout=30, proxy=proxy) as client:
        return client.post(url, json=body, headers=headers)


def text_of(response: httpx2.Response) -> str:
    """The text of the result."""
    return str(response.json()["result"]["content"][0]["text"])


def test_the_second_service_sees_the_user_and_the_first_service_as_the_actor(
    up: Running, server: AuthorizationServer
) -> None:
    """RFC 8693, section 4.1: subject and actor cross gateway, sidecars and two services; the tokens differ."""
    user = server.token(FRONT, sub="ada")
    gateway = f"http://127.0.0.1:{up.gateway_port}/front/mcp"
    claims = json.loads(text_of(post(gateway, user, "ask")))
    assert (claims["sub"], claims["act"], claims["aud"]) == ("ada", {"sub": "front"}, BACK)
    assert server.requests[-1]["subject_token"] == user
    caller = json.loads(text_of(post(gateway, user, "ask", tool="chain")))
    assert caller == [PRINCIPAL, f"{ISSUER}/ada", [f"{ISSUER}/front"]]


def test_the_callers_token_opens_the_first_service_alone(up: Running, server: AuthorizationServer) -> None:
    """MCP, "Security Best Practices", token passthrough: a token of one audience is rejected by another service."""
    front = next(pod for pod in up.topology.pods if pod.name == "front-0")
    proxy = f"http://{front.address}:{OUTBOUND_PORT}"
    assert post("http://back:8000/mcp", server.token(FRONT), "who", proxy).status_code in (401, 403)
    assert post("http://back:8000/mcp", server.token(BACK), "who", proxy).status_code == 200


def test_the_secret_is_in_its_mounted_file_alone_and_no_log_has_a_token(
    up: Running, server: AuthorizationServer
) -> None:
    """Requirement CFG-11: logs of services and proxies, their configuration and their environment."""
    texts = {path: path.read_text("utf-8", "replace") for path in up.folders.state.rglob("*") if path.is_file()}
    assert [path.parts[-4:] for path, text in texts.items() if server.secrets["front"] in text] == [
        ("meshed-mcp-files", "secret", "front-client", "secret")
    ]
    exchanged = [request["subject_token"] for request in server.requests]
    assert [path for path, text in texts.items() if any(token in text for token in exchanged)] == []
