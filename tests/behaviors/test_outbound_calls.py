"""Credentials of calls to other services: real services, and an authorization server that verifies what it gets."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from meshed_mcp import contract
from tests import authorization_server
from tests.authorization_server import AuthorizationServer
from tests.behaviors.conftest import HERE
from tests.behaviors.replicas import Service, StartService

pytestmark = pytest.mark.anyio

RELAY = HERE / "relay_service.py"
FRONT = "https://mcp.example.com/front/mcp"
BACK = "https://mcp.example.com/back/mcp"
SECRET = "MESHED_MCP_CALL_SECRET_0"  # noqa: S105 - the name of a variable
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    """A running authorization server."""
    with authorization_server.serving() as running:
        yield running


def accepting(server: AuthorizationServer, audience: str) -> dict[str, str]:
    """Variables of a service that takes the server's tokens for an audience."""
    issuer = {"issuer": server.url, "audiences": [audience], "jwks_url": f"{server.url}/jwks"}
    return {contract.ENV_AUTH_ISSUERS: json.dumps([issuer]), contract.ENV_AUTH_RESOURCE: audience}


def calling(server: AuthorizationServer, port: int, **row: Any) -> dict[str, str]:
    """Variables of a service that calls another one on this machine."""
    client = {"client_id": "front", "secret": SECRET, "token_endpoint": f"{server.url}/token"}
    call = {"destination": "back", "origins": [f"http://127.0.0.1:{port}"], "resource": BACK, "client": client, **row}
    return {
        "TARGET": f"http://127.0.0.1:{port}/mcp",
        contract.ENV_OUTBOUND_CALLS: json.dumps([{name: value for name, value in call.items() if value is not None}]),
        SECRET: "s3cret +/%",
    }


def post(service: Service, token: str | None, tool: str = "ask") -> httpx.Response:
    """One call of a tool."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {}, "_meta": META}}
    headers = {
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": tool,
        **({"authorization": f"Bearer {token}"} if token else {}),
    }
    return httpx.post(service.url, json=body, headers=headers, trust_env=False, timeout=30)


def text_of(response: httpx.Response) -> str:
    """The text of the result."""
    return str(response.json()["result"]["content"][0]["text"])


def pair(start: StartService, server: AuthorizationServer, *, back: str = BACK, **row: Any) -> tuple[Service, Service]:
    """`front`, which takes the server's tokens, and `back`, which it calls."""
    second = start(RELAY, **accepting(server, back), MESHED_MCP_SERVICE="back")
    first = start(RELAY, **accepting(server, FRONT), **calling(server, second.port, **row), MESHED_MCP_SERVICE="front")
    return first, second


def test_an_exchanged_token_names_the_user_as_subject_and_the_service_as_actor(
    start_service: StartService, server: AuthorizationServer
) -> None:
    """RFC 8693, sections 2.1 and 4.1: the token of the caller becomes one for the destination, with an actor."""
    front, back = pair(start_service, server, auth="token_exchange")
    user = server.token(FRONT, sub="ada")
    claims = json.loads(text_of(post(front, user)))
    assert (claims["sub"], claims["act"], claims["aud"]) == ("ada", {"sub": "front"}, BACK)
    (request,) = server.requests
    assert request["subject_token"] == user
    assert "eyJ" not in front.log.read_text() + back.log.read_text()
