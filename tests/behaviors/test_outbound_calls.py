"""Credentials of calls to other services: real services, and an authorization server that verifies what it gets."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from meshed_mcp import contract
from tests import authorization_server
from tests.authorization_server import AuthorizationServer
from tests.behaviors.conftest import HERE
from tests.behaviors.replicas import Service, StartService

BRIDGE = Path(__file__).parents[1] / "engines" / "bridge_service.py"
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


def test_two_users_of_one_client_never_get_each_others_token(
    start_service: StartService, server: AuthorizationServer
) -> None:
    """Requirement CAL-4: concurrent calls of several users through one `ServiceClient`; one exchange per user."""
    front, _ = pair(start_service, server, auth="token_exchange")
    users = {name: server.token(FRONT, sub=name) for name in ("ada", "eve", "bob")}
    names = list(users) * 10
    with ThreadPoolExecutor(len(users) * 3) as threads:
        found = list(threads.map(lambda name: json.loads(text_of(post(front, users[name])))["sub"], names))
    assert found == names
    assert len(server.requests) == len(users)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_users_have_sessions_of_their_own_at_an_older_server(
    start_service: StartService, server: AuthorizationServer, mode: str
) -> None:
    """MCP 2025-11-25, "Session Management": a session belongs to the credential that opened it."""
    sticky = {contract.ENV_LEGACY: contract.Legacy.STICKY}
    back = start_service(RELAY, **accepting(server, BACK), **sticky, MESHED_MCP_SERVICE="back")
    variables = calling(server, back.port, auth="token_exchange") | {"MODE": mode}
    front = start_service(RELAY, **accepting(server, FRONT), **variables, MESHED_MCP_SERVICE="front")
    for name in ("ada", "eve", "ada"):
        token = server.token(FRONT, sub=name)
        assert json.loads(text_of(post(front, token)))["sub"] == name
    sessions = back.sample("mcp_server_active_sessions") or 0
    assert sessions == (0 if mode == "auto" else 2)


def test_the_newest_token_of_a_user_is_passed_on_inside_a_session(
    start_service: StartService, server: AuthorizationServer
) -> None:
    """Requirement CAL-1: a session that outlives a token passes on the token of the request."""
    back = start_service(RELAY, **accepting(server, FRONT), MESHED_MCP_SERVICE="back")
    sticky = {contract.ENV_LEGACY: contract.Legacy.STICKY}
    variables = calling(server, back.port, auth="pass_through", client=None, resource=None)
    front = start_service(RELAY, **accepting(server, FRONT), **variables, **sticky, MESHED_MCP_SERVICE="front")
    session = Session(front)
    for number in ("1", "2"):
        found = session.call("ask", server.token(FRONT, jti=number))
        assert json.loads(found)["jti"] == number


def test_a_call_before_any_request_gets_an_error_without_addresses(
    start_service: StartService, server: AuthorizationServer
) -> None:
    """Requirement CAL-6: outside a request there is no user; the text for a model names no code and no address."""
    back = start_service(RELAY, **accepting(server, BACK), MESHED_MCP_SERVICE="back")
    variables = calling(server, back.port, auth="token_exchange") | {"CALL_AT_START": "1"}
    front = start_service(RELAY, **accepting(server, FRONT), **variables, MESHED_MCP_SERVICE="front")
    text = text_of(post(front, server.token(FRONT), tool="started"))
    assert text == "This service has no credentials for the called service, so who was not called."
    assert front.said("MM1007: the call of back needs the token of a caller")
    reason = 'mcp_client_destination_errors_total{reason="unauthenticated",service="the called service"}'
    assert front.sample(reason) in (1.0, None)


def test_the_bridge_exchanges_tokens_and_discovers_its_upstream_with_the_first_caller(
    start_service: StartService, server: AuthorizationServer
) -> None:
    """Requirement CAL-7: the bridge is ready before a caller calls, and each caller reaches the upstream as itself."""
    back = start_service(RELAY, **accepting(server, BACK), MESHED_MCP_SERVICE="back")
    variables = calling(server, back.port, auth="token_exchange", destination=back.url)
    bridge = start_service(BRIDGE, **accepting(server, FRONT), **variables, **{contract.ENV_UPSTREAM_URL: back.url})
    assert server.requests == []
    for name in ("ada", "eve", "ada"):
        claims = json.loads(text_of(post(bridge, server.token(FRONT, sub=name), tool="who")))
        assert (claims["sub"], claims["act"]) == (name, {"sub": "front"})
    server.status = 503
    rejected = post(bridge, server.token(FRONT, sub="bob"), tool="who").json()["error"]
    assert rejected["message"] == "There are no credentials for the upstream, so the call was not sent."
    assert bridge.said("MM1008: no token from")
    assert "eyJ" not in bridge.log.read_text()


def test_the_bridge_reaches_a_server_with_client_credentials(
    start_service: StartService, server: AuthorizationServer
) -> None:
    """Requirement CAL-7: a remote server whose tokens expire needs no restart of the bridge."""
    back = start_service(RELAY, **accepting(server, BACK), MESHED_MCP_SERVICE="back")
    variables = calling(server, back.port, auth="client_credentials", destination=back.url)
    bridge = start_service(BRIDGE, **variables, **{contract.ENV_UPSTREAM_URL: back.url})
    assert json.loads(text_of(post(bridge, None, tool="who")))["sub"] == "front"
    assert len(server.requests) == 1


class Session:
    """A session of a client of 2025-11-25, whose token may change."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._id = ""

    def call(self, tool: str, token: str) -> str:
        """Call a tool, and open the session before."""
        if not self._id:
            client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
            self._id = self._post(token, method="initialize", params=client).headers["mcp-session-id"]
        response = self._post(token, method="tools/call", params={"name": tool, "arguments": {}})
        line = next(line for line in response.text.splitlines() if line.startswith("data: {"))
        return str(json.loads(line.removeprefix("data: "))["result"]["content"][0]["text"])

    def _post(self, token: str, **message: Any) -> httpx.Response:
        headers = {
            "accept": "application/json, text/event-stream",
            "authorization": f"Bearer {token}",
            "mcp-protocol-version": "2025-11-25",
            **({"mcp-session-id": self._id} if self._id else {}),
        }
        body = {"jsonrpc": "2.0", "id": 1, **message}
        response = httpx.post(self._service.url, json=body, headers=headers, trust_env=False, timeout=30)
        assert response.status_code == 200, response.text
        return response
