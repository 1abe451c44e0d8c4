"""Rate limits by organization with real Envoys: the organization is a claim of the verified token.

`vault` answers 5 requests of `acme` and 2 of each other organization at once, then one an hour.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

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
from tests.local_issuer import ISSUER, Issuer

META: Final = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
ACCEPT: Final = {"accept": "application/json, text/event-stream"}
LIMITS: Final = {"organization": {"rate": "1/h", "burst": 2}, "organizations": {"acme": {"rate": "1/h", "burst": 5}}}
HEADER: Final = "x-organization"


@pytest.fixture
def up(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The stack, running; each test has buckets of its own."""
    auth = {
        "issuers": [{"issuer": ISSUER, "jwks": json.loads(issuer.jwks()), "claims": {"organization": "org"}}],
        "claims_to_headers": {"org": HEADER},
    }
    command = [*local_stack.COMMAND[:1], local_stack.COMMAND[1].replace("echo_service", "vault_service")]
    vault = local_stack.arguments(command=command, expose=True, replicas=1, auth=auth, rate_limits=LIMITS)
    mesh = ServiceMeshArgs.model_validate({"domain": local_stack.HOST, "namespaces": [local_stack.NAMESPACE]})
    objects = [*cluster.mesh_manifests(mesh), *service.service_manifests("vault", vault)]
    state = tmp_path_factory.mktemp("organizations") / "stack"
    with running(read_stack(objects), free_port(), RunFolders(state, state / "none"), lambda _: None) as stack:
        yield stack


def answers(up: Running, token: str | None, times: int, **headers: str) -> list[int]:
    """Statuses of so many calls with a token."""
    params: dict[str, Any] = {"name": "read", "arguments": {}, "_meta": META}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    named = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "read"}
    carried = {} if token is None else {"authorization": f"Bearer {token}"}
    with httpx2.Client(trust_env=False, timeout=30, headers=ACCEPT | named | carried | headers) as client:
        url = f"http://127.0.0.1:{up.gateway_port}/vault/mcp"
        return [client.post(url, json=body).status_code for _ in range(times)]


def test_each_organization_has_its_own_limit(up: Running, issuer: Issuer) -> None:
    """Requirement NET-13: limits per organization; an exhausted one leaves the others alone."""
    assert answers(up, issuer.token(org="acme"), 7) == [200] * 5 + [429] * 2
    assert answers(up, issuer.token(org="globex"), 3) == [200, 200, 429]
    assert answers(up, issuer.token(org="initech"), 1) == [200]


def test_a_header_does_not_change_the_organization(up: Running, issuer: Issuer) -> None:
    """Requirement SEC-2: the token names the organization; a client's own header is ignored."""
    token = issuer.token(org="globex")
    assert answers(up, token, 3) == [200, 200, 429]
    forged = {HEADER: "acme", "organization": "acme"}
    assert answers(up, token, 2, **forged) == [429, 429]


def test_tokens_without_the_claim_share_one_limit(up: Running, issuer: Issuer) -> None:
    """Requirement NET-13: leaving the organization out does not bypass its limit."""
    assert answers(up, issuer.token(sub="ada"), 2) == [200, 200]
    assert answers(up, issuer.token(sub="grace"), 1) == [429]


def test_unauthorized_calls_do_not_consume_the_limit_of_others(up: Running, issuer: Issuer) -> None:
    """Requirement NET-13: limits apply after token verification and authorization."""
    expired = issuer.token(org="acme", exp=1)
    assert set(answers(up, expired, 6)) == {401}
    assert set(answers(up, None, 6)) == {401}
    assert answers(up, issuer.token(org="acme"), 5) == [200] * 5
