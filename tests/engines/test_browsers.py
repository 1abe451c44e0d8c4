"""Browsers and URLs at the rendered gateway, with real Envoys: preflights, origins, slashes, links, redirects.

`front` takes no tokens, `vault` does, and `plain` has no `cors`.
"""

import json
from collections.abc import Iterator
from pathlib import Path
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


FLOOD: Final = 200
ALIAS: Final = "old.example.com"


def rendered(issuer: Issuer) -> list[Manifest]:
    """The three services."""
    mesh = mesh_args(tls_secret="mcp-tls")  # noqa: S106 - the name of a Secret
    base = local_stack.arguments()
    assert base.ingress is not None
    ingress = base.ingress.model_copy(update={"aliases": [ALIAS]})
    common: dict[str, Any] = {"expose": True, "replicas": 1, "ingress": ingress}
    auth = {"issuers": [{"issuer": ISSUER, "jwks": json.loads(issuer.jwks())}]}
    return [
        *cluster.mesh_manifests(mesh),
        *service.service_manifests("front", local_stack.arguments(cors=CORS, **common)),
        *service.service_manifests("vault", local_stack.arguments(cors=CORS, auth=auth, **common)),
        *service.service_manifests("plain", local_stack.arguments(**common)),
    ]


def mesh_args(**more: Any) -> ServiceMeshArgs:
    """The mesh, with an alias of its domain."""
    place = {"domain": local_stack.HOST, "namespaces": [local_stack.NAMESPACE], "hosts": {ALIAS: None}}
    return ServiceMeshArgs.model_validate({**place, **more})


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


@pytest.mark.parametrize("host", [local_stack.HOST, "MCP.Example.COM", ALIAS])
@pytest.mark.parametrize("path", ["/front/mcp", "/front/mcp/"])
def test_the_endpoint_has_every_name_and_both_forms(gateway: httpx2.Client, path: str, host: str) -> None:
    """Requirements WEB-6 and WEB-9: one endpoint, and no redirect."""
    params = {"name": "who", "arguments": {}, "_meta": META}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    assert gateway.post(path, json=body, headers={**CALL, "host": host}).status_code == 200


@pytest.mark.parametrize("forged", [{}, {"x-forwarded-host": "evil.example", "x-forwarded-proto": "http"}])
@pytest.mark.parametrize("host", [local_stack.HOST, ALIAS])
def test_a_service_behind_the_gateway_links_to_itself(
    gateway: httpx2.Client, host: str, forged: dict[str, str]
) -> None:
    """Requirements WEB-5 and WEB-7: public scheme, host and prefix, and no word of the client's."""
    answer = gateway.get("/front/mcp/links", headers={"host": host, **forged})
    assert answer.json() == [f"https://{host}/front/mcp/links", f"https://{host}/front/"]
    redirected = gateway.get("/front/mcp/links/", headers={"host": host, **forged})
    assert redirected.headers["location"] == f"https://{host}/front/mcp/links"


def test_a_port_forward_reaches_a_pod_and_the_gateway_does_not_serve_localhost(up: Running) -> None:
    """Requirement WEB-4: past the sidecar, from the loopback address, as the kubelet connects."""
    pod = next(each for each in up.topology.pods if each.name == "front-0")
    with httpx2.Client(base_url=f"http://{pod.address}:{pod.port}", trust_env=False, timeout=30) as client:
        client.headers["host"] = f"localhost:{pod.port}"
        assert call(client, "/mcp", INSPECTOR).status_code == 200
        assert preflight(client, "/mcp", INSPECTOR).headers[ALLOW] == INSPECTOR
        assert call(client, "/mcp", "https://evil.example.com").status_code == 403


def test_many_preflights_reach_no_process(up: Running, gateway: httpx2.Client) -> None:
    """Requirement WEB-2: the gateway responds to preflights of every origin."""
    pod = next(each for each in up.topology.pods if each.name == "front-0")
    url = f"http://{pod.address}:{contract.MANAGEMENT_PORT}{contract.METRICS_PATH}"
    series = f"{contract.METRIC_HTTP_DURATION}_count"

    def served() -> list[str]:
        with httpx2.Client(trust_env=False, timeout=30) as client:
            return [line for line in client.get(url).text.splitlines() if line.startswith(series)]

    before = served()
    for number in range(FLOOD):
        assert preflight(gateway, "/front/mcp", f"https://{number}.evil.example").status_code == 200
        assert preflight(gateway, "/front/mcp/x", PAGE).status_code == 200
    assert served() == before


def test_a_redirect_to_https_keeps_method_and_body(tmp_path: Path) -> None:
    """Requirement WEB-8; RFC 9110, section 15.4.9, at a real Envoy with the rendered Gateway for plain HTTP."""
    redirecting = {"mcp", "default"}
    objects = [
        item
        for item in cluster.mesh_manifests(mesh_args(tls_secret="mcp-tls"))  # noqa: S106 - the name of a Secret
        if item["kind"] != "Gateway" or item["metadata"]["name"] not in redirecting
    ]
    stack = read_stack([*objects, *service.service_manifests("front", local_stack.arguments(replicas=1))])
    with (
        running(stack, free_port(), RunFolders(tmp_path / "run", tmp_path / "none"), lambda _: None) as up,
        httpx2.Client(base_url=f"http://127.0.0.1:{up.gateway_port}", trust_env=False, timeout=30) as client,
    ):
        for host in (local_stack.HOST, ALIAS, "MCP.example.com:80"):
            answer = client.post("/front/mcp?x=1", json={}, headers={"host": host})
            expected = host.removesuffix(":80")
            assert (answer.status_code, answer.headers["location"]) == (308, f"https://{expected}/front/mcp?x=1")
