"""Tokens of calls: which one is sent, how often it is requested, and what happens without one."""

import asyncio
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from meshed_mcp import contract
from meshed_mcp.agents.client.credentials import outbound_auth
from meshed_mcp.agents.client.credentials.token_endpoint import TokenResponse
from meshed_mcp.agents.client.credentials.tokens import Token
from meshed_mcp.error_codes.code import MessageError
from tests import authorization_server
from tests.authorization_server import AuthorizationServer
from tests.unit.agents.client.credentials.calling import RESOURCE, URL, VARIABLE, caller, claims, destination, row

pytestmark = pytest.mark.anyio

SECRET = {VARIABLE: "s3cret +/%"}
IDENTITY_VARIABLE = "MESHED_MCP_CALL_SECRET_1"


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    """A running authorization server."""
    with authorization_server.serving() as running:
        yield running


def with_client(server: AuthorizationServer, **changes: Any) -> dict[str, Any]:
    """The client of a row; a field given as None is left out."""
    client = {**row(server)["client"], **changes}
    return {name: value for name, value in client.items() if value is not None}


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_client_credentials_send_the_token_of_the_service(server: AuthorizationServer, method: str) -> None:
    """RFC 6749, sections 2.3.1 and 4.4: reserved characters of the secret survive; RFC 8414: the issuer is enough."""
    call = row(server, auth="client_credentials", client=with_client(server, client_auth=method), scopes=["a", "b"])
    back = destination(call, SECRET)
    response, _ = await back.call()
    assert (response.json()["sub"], response.json()["aud"], response.json()["scope"]) == ("front", RESOURCE, "a b")
    await back.call()
    assert [request["client_auth"] for request in server.requests] == [method]


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 2048),
        ec.generate_private_key(ec.SECP256R1()),
        ed25519.Ed25519PrivateKey.generate(),
    ],
    ids=["rsa", "p256", "ed25519"],
)
async def test_a_private_key_signs_an_assertion_for_the_issuer(server: AuthorizationServer, key: Any) -> None:
    """RFC 7523, section 3: issuer and subject are the client, the audience is the authorization server."""
    server.client_keys["front"] = key.public_key()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    client = with_client(server, client_auth="private_key_jwt")
    back = destination(row(server, auth="client_credentials", client=client), {VARIABLE: pem})
    response, _ = await back.call()
    assert response.json()["sub"] == "front"
    (request,) = server.requests
    assertion = claims(request["client_assertion"])
    assert (assertion["aud"], assertion["exp"] - assertion["iat"]) == (server.url, 60)


async def test_an_exchange_is_cached_by_the_token_of_the_caller(server: AuthorizationServer) -> None:
    """Requirement CAL-4: a token of one caller never serves another; one exchange per caller while it is valid."""
    back = destination(row(server, auth="token_exchange"), SECRET)
    tokens = {subject: server.token("front", sub=subject) for subject in ("ada", "eve")}
    for subject in ("ada", "eve", "ada", "eve"):
        with caller(tokens[subject], subject):
            response, _ = await back.call()
        assert response.json()["sub"] == subject
        assert response.json()["act"] == {"sub": "front"}
    assert len(server.requests) == 2
    first = server.requests[0]
    assert first["resource"] == RESOURCE
    assert first["subject_token_type"].endswith(":token-type:access_token")


async def test_concurrent_calls_of_a_caller_wait_for_one_exchange(server: AuthorizationServer) -> None:
    """Requirement CAL-4: one exchange at a time per caller; callers do not wait for each other."""
    server.hold.clear()
    back = destination(row(server, auth="token_exchange"), SECRET)
    tokens = {subject: server.token("front", sub=subject) for subject in ("ada", "eve")}

    async def call(subject: str) -> str:
        with caller(tokens[subject], subject):
            response, _ = await back.call()
        return str(response.json()["sub"])

    async with asyncio.TaskGroup() as tasks:
        calls = [tasks.create_task(call(subject)) for subject in ("ada", "eve") * 5]
        async with asyncio.timeout(20):
            while len(server.requests) < 2:  # noqa: ASYNC110 - the condition is a server's
                await asyncio.sleep(0.01)
        server.hold.set()
    assert [task.result() for task in calls] == ["ada", "eve"] * 5
    assert len(server.requests) == 2


async def test_an_actor_token_goes_into_the_exchange(server: AuthorizationServer) -> None:
    """RFC 8693, section 2.1: `actor_token` is the service's own, from the same endpoint, and is cached."""
    back = destination(row(server, auth="token_exchange", actor_token=True), SECRET)
    for subject in ("ada", "eve"):
        with caller(server.token("front", sub=subject, act={"sub": "web"}), subject):
            response, _ = await back.call()
        assert response.json()["act"] == {"sub": "front", "act": {"sub": "web"}}
    kinds = [request["grant_type"].rpartition(":")[2] for request in server.requests]
    assert kinds == ["client_credentials", "token-exchange", "token-exchange"]


async def test_a_token_on_behalf_of_a_user_comes_by_the_grant_of_entra(server: AuthorizationServer) -> None:
    """Microsoft identity platform, "OAuth 2.0 On-Behalf-Of flow": the scopes alone name the destination."""
    call = row(server, auth="on_behalf_of", resource=None, scopes=["api://back/.default"])
    back = destination(call, SECRET)
    token = server.token("front", sub="ada")
    with caller(token):
        response, _ = await back.call()
    assert (response.json()["sub"], response.json()["aud"], response.json()["azp"]) == ("ada", "api://back", "front")
    (request,) = server.requests
    assert request["assertion"] == token
    assert not {"audience", "resource", "subject_token"} & request.keys()


async def test_pass_through_sends_the_token_as_it_came(server: AuthorizationServer) -> None:
    """Requirement CAL-1: the destination gets the caller's token, and nothing is requested."""
    back = destination(row(server, auth="pass_through", client=None, resource=None), {})
    token = server.token(RESOURCE)
    back.statuses = [401]
    with caller(token):
        response, _ = await back.call()
    assert (response.status_code, back.tokens, server.requests) == (401, [token], [])


async def test_an_id_jag_crosses_two_authorization_servers(server: AuthorizationServer) -> None:
    """MCP extension "Enterprise-Managed Authorization": the grant of the identity provider becomes a token."""
    with authorization_server.serving(secrets={"front": "idp"}) as provider:
        server.trusted[provider.url] = provider.key.public_key()
        identity = {"client_id": "front", "secret": IDENTITY_VARIABLE, "issuer": provider.url}
        call = row(server, auth="id_jag", identity_provider=identity, scopes=["docs.read"])
        back = destination(call, {**SECRET, IDENTITY_VARIABLE: "idp"})
        token = provider.token("front", sub="ada")
        for _ in range(2):
            with caller(token):
                response, _ = await back.call()
    assert (response.json()["iss"], response.json()["sub"], response.json()["aud"]) == (server.url, "ada", RESOURCE)
    (leg1,), (leg2,) = provider.requests, server.requests
    assert (leg1["audience"], leg1["resource"], leg1["scope"]) == (server.url, RESOURCE, "docs.read")
    assert leg2["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.mark.parametrize("status", [401, 403])
async def test_a_rejected_token_is_replaced_once_and_the_request_repeated(
    server: AuthorizationServer, status: int
) -> None:
    """Requirement CAL-5: a revoked token costs one more request; a permanent rejection does not flood the issuer."""
    back = destination(row(server, auth="client_credentials"), SECRET)
    await back.call()
    back.statuses = [status]
    response, _ = await back.call()
    assert (response.status_code, len(server.requests), len(back.tokens)) == (200, 2, 3)
    back.statuses = [status] * 20
    for _ in range(20):
        response, _ = await back.call()
        assert response.status_code == status
    assert len(server.requests) == 2


async def test_a_call_outside_a_request_gets_a_coded_error(
    server: AuthorizationServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Requirement CAL-6: without a caller there is no token of a caller, and nothing is sent."""
    back = destination(row(server, auth="token_exchange"), SECRET)
    response, attempt = await back.call()
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (401, contract.UNAUTHENTICATED)
    assert error["message"].startswith("MM1007: the call of mcp-back needs the token of a caller")
    assert (back.tokens, server.requests, attempt.response_received) == ([], [], True)
    assert caplog.records == []


async def test_an_issuer_that_is_down_makes_the_destination_unavailable_for_now(server: AuthorizationServer) -> None:
    """Requirement CAL-6: the call may be repeated, because it was not sent; waiting calls fail together."""
    server.status = 503
    back = destination(row(server, auth="client_credentials", client=_at(server)), SECRET)
    response, attempt = await back.call()
    assert response.status_code == 503
    assert response.json()["error"]["message"].startswith(f"MM1008: no token from {server.url}/token (status 503)")
    assert (attempt.unreachable, attempt.sent) == (True, False)
    await back.call()
    assert len(server.requests) == 1


def _at(server: AuthorizationServer) -> dict[str, Any]:
    return with_client(server, issuer=None, token_endpoint=f"{server.url}/token")


async def test_an_error_response_is_named_by_its_code_alone(
    server: AuthorizationServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Requirement CFG-11: the description of an issuer's error may repeat a token."""
    caplog.set_level(logging.DEBUG)
    back = destination(row(server, auth="token_exchange", client=_at(server)), SECRET)
    with caller("not.a.token"):
        response, _ = await back.call()
    text = response.json()["error"]["message"]
    assert text.startswith(f"MM1009: {server.url}/token rejected the token request with 400 (invalid_grant)")
    assert "not.a.token" not in text + caplog.text


async def test_a_wrong_secret_is_a_coded_error(server: AuthorizationServer) -> None:
    """RFC 6749, section 5.2: `invalid_client`."""
    back = destination(row(server, auth="client_credentials"), {VARIABLE: "wrong"})
    response, _ = await back.call()
    assert "(invalid_client)" in response.json()["error"]["message"]
    assert "wrong" not in response.json()["error"]["message"].replace("wrong ", "")


async def test_a_secret_in_a_file_is_read_at_each_token_request(server: AuthorizationServer, tmp_path: Path) -> None:
    """Requirement CAL-3: a client secret rotates without a restart."""
    file = tmp_path / "secret"
    file.write_text("first\n")
    server.secrets["front"] = "first"
    back = destination(row(server, auth="client_credentials"), {f"{VARIABLE}{contract.FILE_SUFFIX}": str(file)})
    await back.call()
    server.secrets["front"] = "second"
    replaced = tmp_path / "new"
    replaced.write_text("second\n")
    replaced.replace(file)
    back.statuses = [401]
    response, _ = await back.call()
    assert (response.status_code, len(server.requests)) == (200, 2)


@pytest.mark.parametrize("environment", [{}, {VARIABLE: "  "}, {f"{VARIABLE}_FILE": "/nonexistent/secret"}])
async def test_a_missing_secret_is_a_coded_error(server: AuthorizationServer, environment: dict[str, str]) -> None:
    """Requirement CAL-3: the message names the variable, and its file."""
    back = destination(row(server, auth="client_credentials"), environment)
    response, _ = await back.call()
    assert response.json()["error"]["message"].startswith(f"MM1006: neither {VARIABLE} nor the file of {VARIABLE}_FILE")


async def test_a_token_goes_to_the_origins_of_its_destination_alone(server: AuthorizationServer) -> None:
    """Requirement CAL-2: whatever a registry or a redirect says. Source: RFC 6454, section 4."""
    back = destination(row(server, auth="client_credentials"), SECRET, target="mcp-back")
    for url in ("http://mcp-back:8001/mcp", "https://mcp-back:8000/mcp", "http://mcp-back.example.com:8000/mcp"):
        response, _ = await back.call(url)
        assert response.json()["error"]["message"].startswith("MM1010: mcp-back is not at http")
    assert (back.tokens, server.requests) == ([], [])


@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        ({"issuer": "https://evil.example.com"}, "is no metadata of"),
        ({"token_endpoint": "https://evil.example.com/token"}, "at another origin; set token_endpoint to it"),
        ({"token_endpoint": None}, "is no metadata of"),
    ],
)
async def test_metadata_of_another_issuer_gets_no_secret(
    server: AuthorizationServer, metadata: dict[str, Any], why: str
) -> None:
    """RFC 8414, section 3.3: the issuer of the metadata equals the configured one."""
    server.metadata = metadata
    back = destination(row(server, auth="client_credentials"), SECRET)
    response, _ = await back.call()
    message = response.json()["error"]["message"]
    assert message.startswith("MM1011: the response of ")
    assert why in message
    assert server.requests == []


async def test_an_unusable_private_key_is_a_coded_error(server: AuthorizationServer) -> None:
    """RFC 7518, section 3.1: keys of known algorithms; the message has no part of the key."""
    client = with_client(server, client_auth="private_key_jwt")
    back = destination(row(server, auth="client_credentials", client=client), {VARIABLE: "-----BEGIN no key"})
    response, _ = await back.call()
    assert response.json()["error"]["message"].startswith("MM1012: the private key of the client front is unusable")


@pytest.mark.parametrize(
    ("target", "found"),
    [
        (URL, True),
        ("http://mcp-back:8000/other", True),
        ("mcp-back", True),
        ("tools/mcp-back", True),
        ("other/mcp-back", False),
        ("mcp-other", False),
        ("http://mcp-other:8000/mcp", False),
        ("https://mcp-back:8000/mcp", False),
    ],
)
def test_the_row_of_a_destination_is_found_by_name_and_by_url(
    server: AuthorizationServer, target: str, *, found: bool
) -> None:
    """Requirement CAL-2: `ServiceClient` finds the credentials of its destination without code."""
    table = json.dumps([row(server, auth="client_credentials")])
    environment = {contract.ENV_OUTBOUND_CALLS: table, contract.ENV_NAMESPACE: "tools", **SECRET}
    assert (outbound_auth(target, environment) is not None) == found


@pytest.mark.parametrize("text", ["x", "{}", '[{"destination": "mcp-rag"}]', '[{"destination": 1, "auth": "mesh"}]'])
def test_an_invalid_table_is_a_coded_error(text: str) -> None:
    """Requirement CFG-13: the runtime takes the table as the stack renders it."""
    with pytest.raises(MessageError) as raised:
        outbound_auth(URL, {contract.ENV_OUTBOUND_CALLS: text})
    assert [message.code for message in raised.value.messages] == ["MM1005"]


def test_tokens_are_in_no_text_of_an_object() -> None:
    """Requirement CFG-11: a token never stands in a log line or an error."""
    found = TokenResponse.model_validate({"access_token": "abc.def", "token_type": "Bearer"})
    assert "abc.def" not in f"{found!r} {Token(found.access_token, 0)!r}"


@pytest.mark.parametrize(("lifetime", "used"), [(None, 30.0), (3600, 3570.0), (60, 30.0), (10, 5.0), (0, 0.0)])
def test_a_token_is_replaced_before_it_expires(lifetime: float | None, used: float) -> None:
    """RFC 6749, section 5.1: `expires_in` is optional; a token must be valid when it arrives."""
    response = {"access_token": "a", "token_type": "Bearer", "expires_in": lifetime}
    assert TokenResponse.model_validate(response).seconds == used


@pytest.mark.parametrize(
    ("response", "why"),
    [
        ({"token_type": "Bearer"}, "has no valid field access_token"),
        ({"access_token": "a b", "token_type": "Bearer"}, "has no valid field access_token"),
        ({"access_token": "a"}, "has no valid field token_type"),
        ({"access_token": "a", "token_type": "DPoP"}, "has another token_type than Bearer"),
        ({"access_token": "a", "token_type": "Bearer", "expires_in": "soon"}, "has no valid field expires_in"),
        ({"access_token": "a" * 300_000, "token_type": "Bearer"}, "is longer than 262144 bytes"),
        ([], "has no valid field of JSON"),
    ],
)
async def test_an_unusable_response_is_a_coded_error(server: AuthorizationServer, response: Any, why: str) -> None:
    """RFC 6749, sections 5.1 and 7.1: a client uses no token of a type that it does not understand."""
    server.response = response
    back = destination(row(server, auth="client_credentials", client=_at(server)), SECRET)
    found, _ = await back.call()
    assert found.json()["error"]["message"].startswith(f"MM1011: the response of {server.url}/token {why};")
    assert back.tokens == []
