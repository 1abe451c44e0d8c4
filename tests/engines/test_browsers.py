"""Browsers at the rendered gateway, with real Envoys: preflights, origins, and the headers that pages may read.

`front` takes no tokens, `vault` does, and `plain` has no `cors`.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

import httpx2
import pytest

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.components.mesh.service.args import ServiceMeshArgs
from meshed_mcp.local.process.container import RunFolders
from meshed_mcp.local.process.stack_runner import Running, running
from meshed_mcp.local.translate.stack import read_stack
from tests import local_issuer
from tests.engines import local_stack
from tests.engines.processes import free_port
from tests.local_issuer import ISSUER, Issuer

PAGE: Final = "https://app.example.com"
INSPECTOR: Final = "http://localhost:6274"
FOREIGN: Final = ("https://evil.example.com", "https://app.example.com.evil.example", "http://app.example.com", "null")
CORS: Final = {"origins": [PAGE, "http://localhost:*"], "headers": ["x-organization-id"]}
META: Final = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
CALL: Final = {
    "accept": "application/json, text/event-stream",
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tools/call",
    "mcp-name": "who",
}
ALLOW: Final = "access-control-allow-origin"


def rendered(issuer: Issuer) -> list[Manifest]:
    """The three services."""
    mesh = ServiceMeshArgs.model_validate({"domain": local_stack.HOST, "namespaces": [local_stack.NAMESPACE]})
    common: dict[str, Any] = {"expose": True, "replicas": 1}
    auth = {"issuers": [{"issuer": ISSUER, "jwks": json.loads(issuer.jwks())}]}
    return [
        *cluster.mesh_manifests(mesh),
        *service.service_manifests("front", local_stack.arguments(cors=CORS, **common)),
        *service.service_manifests("vault", local_stack.arguments(cors=CORS, auth=auth, **common)),
        *service.service_manifests("plain", local_stack.arguments(**common)),
    ]


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """An issuer on this machine."""
    with local_issuer.serving() as running_issuer:
        yield running_issuer


@pytest.fixture(scope="module")
def up(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The stack, running."""
    state = tmp_path_factory.mktemp("browsers") / "stack"
    with running(read_stack(rendered(issuer)), free_port(), RunFolders(state, state / "none"), lambda _: None) as stack:
        yield stack


@pytest.fixture
def gateway(up: Running) -> Iterator[httpx2.Client]:
    """A client of the gateway."""
    url = f"http://127.0.0.1:{up.gateway_port}"
    with httpx2.Client(base_url=url, trust_env=False, timeout=30) as client:
        yield client


def preflight(client: httpx2.Client, path: str, origin: str) -> httpx2.Response:
    """What a browser asks before a call with JSON and a token."""
    asked = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,mcp-protocol-version",
    }
    return client.options(path, headers=asked)


def call(client: httpx2.Client, path: str, origin: str, token: str | None = None) -> httpx2.Response:
    """A call of a page."""
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "who", "arguments": {}, "_meta": META},
    }
    sent = {**CALL, "origin": origin, **({"authorization": f"Bearer {token}"} if token else {})}
    return client.post(path, json=body, headers=sent)


@pytest.mark.parametrize("origin", [PAGE, INSPECTOR])
@pytest.mark.parametrize("path", ["/front/mcp", "/vault/mcp"])
def test_a_preflight_of_an_allowed_origin_needs_no_token(gateway: httpx2.Client, path: str, origin: str) -> None:
    """Requirement WEB-1; WHATWG Fetch, "CORS-preflight fetch": a preflight never has credentials."""
    answer = preflight(gateway, path, origin)
    allowed = {name.strip() for name in answer.headers["access-control-allow-headers"].split(",")}
    assert (answer.status_code, answer.headers[ALLOW]) == (200, origin)
    assert {"authorization", "content-type", "mcp-session-id", "mcp-protocol-version", "x-organization-id"} <= allowed
    assert answer.headers["access-control-allow-methods"] == "GET,POST,DELETE"
    assert answer.headers["access-control-max-age"] == f"{contract.PREFLIGHT_SECONDS}"
    assert "access-control-allow-credentials" not in answer.headers


def test_a_page_calls_a_tool_and_reads_the_headers_of_the_protocol(gateway: httpx2.Client) -> None:
    """Requirement WEB-1; MCP, "Streamable HTTP": clients read the session id and the revision from headers."""
    answer = call(gateway, "/front/mcp", PAGE)
    exposed = set(answer.headers["access-control-expose-headers"].split(","))
    assert (answer.status_code, answer.headers[ALLOW]) == (200, PAGE)
    assert {"mcp-session-id", "mcp-protocol-version", "www-authenticate"} <= exposed


def test_a_page_reads_the_challenge_and_then_calls_with_a_token(gateway: httpx2.Client, issuer: Issuer) -> None:
    """Requirement WEB-1; MCP, "Authorization": a 401 leads the page to the issuer."""
    challenge = call(gateway, "/vault/mcp", PAGE)
    assert (challenge.status_code, challenge.headers[ALLOW]) == (401, PAGE)
    assert "resource_metadata" in challenge.headers["www-authenticate"]
    invalid = call(gateway, "/vault/mcp", PAGE, "x.y.z")
    assert (invalid.status_code, invalid.headers[ALLOW]) == (401, PAGE)
    token = issuer.token(aud=f"https://{local_stack.HOST}/vault/mcp")
    assert call(gateway, "/vault/mcp", PAGE, token).status_code == 200


@pytest.mark.parametrize("origin", FOREIGN)
def test_another_origin_is_neither_allowed_nor_served(gateway: httpx2.Client, origin: str) -> None:
    """Requirement WEB-2; MCP, "Security Best Practices", DNS rebinding: servers validate the Origin header."""
    asked, called = preflight(gateway, "/front/mcp", origin), call(gateway, "/front/mcp", origin)
    assert ALLOW not in asked.headers
    assert (called.status_code, called.headers.get(ALLOW)) == (403, None)


def test_without_cors_no_page_calls_a_service(gateway: httpx2.Client) -> None:
    """Requirement WEB-2: the default lets no page of another origin in."""
    asked, called = preflight(gateway, "/plain/mcp", PAGE), call(gateway, "/plain/mcp", PAGE)
    assert (asked.status_code, asked.headers.get(ALLOW)) == (403, None)
    assert (called.status_code, called.headers.get(ALLOW)) == (403, None)
