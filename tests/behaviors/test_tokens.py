"""Responses of a process to valid and invalid tokens: status, challenge, counter, permissions."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from meshed_mcp import contract
from tests import local_issuer
from tests.behaviors.replicas import Service, StartService
from tests.local_issuer import AUDIENCE, HOUR, ISSUER, Issuer, environment, row

pytestmark = pytest.mark.anyio

METADATA: Final = "https://mcp.example.com/.well-known/oauth-protected-resource/vault/mcp"
POLICY: Final = (
    f'{{"echo": {{"allow": ["{ISSUER}/ada"]}}, "wait": {{"scopes": ["docs.write"]}}, "wait_forever": {{"allow": []}}}}'
)
META: Final = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


@pytest.fixture(scope="module")
def service(issuer: Issuer, start_shared: StartService) -> Service:
    """A service that takes the issuer's tokens with scope docs.read."""
    return start_shared(**variables(issuer))


@pytest.fixture
def own_issuer() -> Iterator[Issuer]:
    """An issuer of one test alone."""
    with local_issuer.serving() as running:
        yield running


def variables(issuer: Issuer, **fields: Any) -> dict[str, str]:
    """The environment of such a service; `fields` are those of the issuer's row."""
    return environment(row(**{"jwks_url": issuer.url} | fields)) | {
        contract.ENV_AUTH_SCOPES: "docs.read",
        contract.ENV_TOOL_POLICY: POLICY,
    }


def post(service: Service, token: str | None, tool: str = "echo", **arguments: str) -> httpx.Response:
    """One call of 2026-07-28."""
    return httpx.post(
        service.url,
        json={
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": tool, "arguments": arguments, "_meta": META},
        },
        headers={
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": "2026-07-28",
            "mcp-method": "tools/call",
            "mcp-name": tool,
            **({"authorization": f"Bearer {token}"} if token is not None else {}),
        },
        trust_env=False,
        timeout=30,
    )


def counted(service: Service, result: str) -> float:
    """How many tokens had that result."""
    found = service.sample(f'mcp_server_authentications_total{{kind="token",result="{result}"}}')
    assert found is not None
    return found


BAD: Final[dict[str, tuple[Callable[[Issuer], str], str]]] = {
    "of two parts": (lambda issuer: issuer.token().rpartition(".")[0], "malformed"),
    "no JWT": (lambda _: "marzipan", "malformed"),
    "expired": (lambda issuer: issuer.token(exp=1), "expired"),
    "not valid yet": (lambda issuer: issuer.token(nbf=2**40), "not_yet_valid"),
    "for another audience": (lambda issuer: issuer.token(aud="https://mcp.example.com/other/mcp"), "audience"),
    "for no audience": (lambda issuer: issuer.token(aud=None), "claims"),
    "of another issuer": (lambda issuer: issuer.token(iss="https://login.example.org"), "issuer"),
    "without an end": (lambda issuer: issuer.token(exp=None), "claims"),
    "without a subject": (lambda issuer: issuer.token(sub=None), "claims"),
    "changed": (Issuer.changed, "signature"),
    "unsigned": (Issuer.unsigned, "algorithm"),
    "signed with the public key as a secret": (Issuer.signed_with_the_public_key, "algorithm"),
    "signed with an unknown key": (lambda issuer: issuer.token(header={"kid": "two"}), "unknown_key"),
    "that names its own key": (lambda issuer: issuer.token(header={"kid": "x", "jku": issuer.url}), "unknown_key"),
}


def test_every_invalid_token_gets_401_with_a_challenge_and_is_counted_by_reason(
    service: Service, issuer: Issuer
) -> None:
    """MCP, "Authorization", "Token Handling": invalid tokens get 401; RFC 6750, section 3.1; RFC 9728, section 5.1."""
    for name, (make, result) in BAD.items():
        before = counted(service, result)
        response = post(service, make(issuer), text="x")
        assert response.status_code == 401, name
        challenge = response.headers["www-authenticate"]
        assert challenge.startswith('Bearer error="invalid_token"'), name
        assert f'resource_metadata="{METADATA}"' in challenge, name
        assert 'scope="docs.read"' in challenge, name
        assert counted(service, result) == before + 1, name
    assert "mcp_server_operation_duration_seconds_count{" not in service.management(contract.METRICS_PATH).text
    log = service.log.read_text()
    assert "Traceback" not in log
    assert "eyJ" not in log


def test_a_request_without_a_token_gets_a_challenge_without_an_error_code(service: Service) -> None:
    """RFC 6750, section 3.1: no error code for a request without authentication; MCP, "Authorization": `scope`."""
    before = counted(service, "missing")
    response = post(service, None, text="x")
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == f'Bearer scope="docs.read", resource_metadata="{METADATA}"'
    assert counted(service, "missing") == before + 1


@pytest.mark.parametrize("scheme", ["Basic YTpi", "Bearer"])
def test_other_authorization_schemes_count_as_no_token(service: Service, scheme: str) -> None:
    """RFC 6750, section 2.1: the scheme, one space, the token."""
    before = counted(service, "missing")
    response = httpx.post(service.url, headers={"authorization": scheme}, trust_env=False, timeout=30)
    assert response.headers["www-authenticate"] == f'Bearer scope="docs.read", resource_metadata="{METADATA}"'
    assert (response.status_code, counted(service, "missing")) == (401, before + 1)


def test_the_metadata_names_the_issuer_without_a_token(service: Service) -> None:
    """RFC 9728, section 3.2: served without a token, at the path with the resource's own behind it."""
    address = f"http://127.0.0.1:{service.port}/.well-known/oauth-protected-resource/vault/mcp"
    metadata = httpx.get(address, trust_env=False).json()
    assert metadata["resource"] == AUDIENCE
    assert metadata["authorization_servers"] == [ISSUER]
    assert metadata["scopes_supported"] == ["docs.read"]


def test_a_valid_token_allows_its_owners_calls_only(service: Service, issuer: Issuer) -> None:
    """Requirement SEC-2: the caller is a verified JWT; audience as text or list, with or without a trailing slash."""
    assert post(service, issuer.token(), text="hello").json()["result"]["structuredContent"] == {"result": "hello"}
    for audience in (AUDIENCE + "/", ["https://other.example.com", AUDIENCE]):
        assert post(service, issuer.token(aud=audience), text="x").status_code == 200
    other = post(service, issuer.token(sub="eve"), text="x")
    assert (other.status_code, other.json()["error"]["code"]) == (403, 403)
    assert "www-authenticate" not in other.headers
    assert post(service, issuer.token(), tool="wait_forever").status_code == 403


def test_a_token_without_the_scope_gets_403_with_the_required_scopes(service: Service, issuer: Issuer) -> None:
    """MCP, "Authorization", "Scope Challenge Handling": every scope of the operation, at once."""
    poor = post(service, issuer.token(scope="other"), text="x")
    assert poor.status_code == 403
    assert 'error="insufficient_scope"' in poor.headers["www-authenticate"]
    assert 'scope="docs.read"' in poor.headers["www-authenticate"]
    missing = post(service, issuer.token(), tool="wait")
    assert missing.status_code == 403
    assert missing.headers["www-authenticate"] == (
        f'Bearer error="insufficient_scope", scope="docs.read docs.write", resource_metadata="{METADATA}"'
    )
    assert missing.json()["error"]["message"] == "This tool needs a token with the scope docs.write."


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_official_client_lists_and_calls_allowed_tools(service: Service, issuer: Issuer, mode: Any) -> None:
    """Requirement SEC-8: only allowed tools are listed, in every protocol revision."""
    headers = {"authorization": f"Bearer {issuer.token()}"}
    async with (
        httpx2.AsyncClient(headers=headers, trust_env=False) as http,
        Client(streamable_http_client(service.url, http_client=http), mode=mode) as client,
    ):
        assert [tool.name for tool in (await client.list_tools()).tools] == ["echo", "block_a_thread"]
        assert (await client.call_tool("echo", {"text": "hi"})).structured_content == {"result": "hi"}
        with pytest.raises(MCPError) as refusal:
            await client.call_tool("wait_forever", {})
    assert refusal.value.error.code == contract.FORBIDDEN
    assert refusal.value.error.message == ("This caller may not call this tool. The service's operator can allow it.")


def test_unknown_key_ids_do_not_flood_the_issuer(own_issuer: Issuer, start_service: StartService) -> None:
    """Requirement SEC-5: keys are fetched at most once per ten seconds, whatever clients send."""
    service = start_service(**variables(own_issuer))
    for number in range(20):
        token = own_issuer.token(header={"kid": f"invented-{number}"})
        assert post(service, token, text="x").status_code == 401
    assert own_issuer.asked <= 2


def test_without_keys_the_response_is_503(own_issuer: Issuer, start_service: StartService) -> None:
    """RFC 9110, section 15.6.4; a 401 would make clients throw valid tokens away."""
    own_issuer.broken = True
    service = start_service(**variables(own_issuer))
    response = post(service, own_issuer.token(), text="x")
    assert (response.status_code, response.headers["retry-after"]) == (503, "10")
    assert counted(service, "no_keys") == 1
    assert any("no keys from" in line["message"] for line in service.lines())
    assert "Traceback" not in service.log.read_text()


def test_a_key_of_an_elliptic_curve_is_accepted(service: Service, issuer: Issuer) -> None:
    """RFC 8725, section 3.2: current algorithms."""
    assert post(service, issuer.token("curve", exp=HOUR * 10**6), text="x").status_code == 200


async def test_token_settings_of_the_service_and_of_the_environment_exclude_each_other(
    start_service: StartService,
) -> None:
    """Requirement CFG-5: two sources of one rule could contradict each other."""
    script = Path(__file__).with_name("own_auth_service.py")
    service = start_service(script, ready=False, **variables(Issuer(url="http://127.0.0.1:1/jwks")))
    assert await service.exit_code(within_seconds=30) == 1
    assert service.log.read_text() == (
        "MM0800: MESHED_MCP_AUTH_ISSUERS is set, and the service was made with an auth= of its own; remove one "
        "(in the stack file: `auth.issuers`)\n"
    )
