"""Tokens in the shapes of eight identity providers at one service, through a real gateway and sidecar.

Keys have no IDs and tokens have, so that sidecar and runtime select keys alike.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meshed_mcp.agents.auth.claims import organization_name
from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.components.mesh.service.args import ServiceMeshArgs
from meshed_mcp.contract.token_issuers import claim_value
from meshed_mcp.local.process.container import RunFolders
from meshed_mcp.local.process.stack_runner import Running, running
from meshed_mcp.local.translate.stack import read_stack
from tests.engines import local_stack
from tests.engines.processes import free_port
from tests.provider_tokens import JWKS, MUTATIONS, PROVIDERS, TIMES, Provider, signed

META: Final = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
FEW: Final = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
"""Each example is a request through two proxies; the unit test of the verifier has more."""

Call = Callable[[str], httpx2.Response]


def issuer(provider: Provider) -> dict[str, Any]:
    """The issuer in a stack file, with the test's keys."""
    row = provider.row.model_dump(mode="json", exclude_defaults=True, exclude={"jwks_url"})
    return row | {"jwks": JWKS}


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A stack with one exposed service that accepts tokens of all providers."""
    mesh = ServiceMeshArgs.model_validate({"domain": local_stack.HOST, "namespaces": [local_stack.NAMESPACE]})
    command = ["python", local_stack.COMMAND[1].replace("engines/echo_service", "behaviors/caller_service")]
    auth = {"issuers": [issuer(provider) for provider in PROVIDERS]}
    vault = local_stack.arguments(command=command, expose=True, replicas=1, auth=auth)
    stack = read_stack([*cluster.mesh_manifests(mesh), *service.service_manifests("vault", vault)])
    folder = tmp_path_factory.mktemp("providers")
    with running(stack, free_port(), RunFolders(folder / "run", folder / "none"), lambda _: None) as started:
        yield started


@pytest.fixture(scope="module")
def call(up: Running) -> Iterator[Call]:
    """Call the tool `in_a_thread` through the gateway."""
    params = {"name": "in_a_thread", "arguments": {}, "_meta": META}
    headers = {
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": "in_a_thread",
    }
    url = f"http://127.0.0.1:{up.gateway_port}/vault/mcp"
    with httpx2.Client(trust_env=False, timeout=30, headers=headers) as client:

        def post(token: str) -> httpx2.Response:
            body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
            return client.post(url, json=body, headers={"authorization": f"Bearer {token}"})

        yield post


@pytest.mark.property
@pytest.mark.parametrize("provider", PROVIDERS, ids=str)
@FEW
@given(data=st.data())
def test_sidecar_and_runtime_accept_tokens_in_the_shape_of_a_provider(
    call: Call, provider: Provider, data: st.DataObject
) -> None:
    """Requirement TOK-4: one table drives both, and the tool learns the user that the row's claims name."""
    claims = {"iss": provider.row.issuer, **data.draw(provider.claims), **data.draw(TIMES)}
    response = call(signed(data.draw(provider.header), claims))
    assert response.status_code == 200, response.text
    caller = response.json()["result"]["structuredContent"]
    assert caller["subject"] == f"{provider.row.issuer}/{claim_value(claims, provider.row.claims.subject)}"
    assert caller["organization"] == organization_name(claim_value(claims, provider.row.claims.organization))


@pytest.mark.property
@pytest.mark.parametrize("mutation", MUTATIONS)
@settings(FEW, max_examples=3)
@given(data=st.data())
def test_a_token_with_one_wrong_claim_is_challenged_through_the_mesh(
    call: Call, mutation: str, data: st.DataObject
) -> None:
    """Requirement SEC-4; RFC 6750, section 3.1: 401 from the first that rejects it, whichever provider it is of."""
    provider = data.draw(st.sampled_from(PROVIDERS))
    changes, _ = MUTATIONS[mutation]
    claims = {"iss": provider.row.issuer, **data.draw(provider.claims), **data.draw(TIMES), **changes}
    present = {name: value for name, value in claims.items() if value is not None}
    response = call(signed(data.draw(provider.header), present))
    assert response.status_code == 401, response.text
    assert 'resource_metadata="' in response.headers["www-authenticate"]
