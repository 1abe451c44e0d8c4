"""Fault injection with real Envoys: by header for the caller that sends it, or as an experiment on real calls.

Source of what is expected: Istio API, HTTPFaultInjection.
"""

import time
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
from meshed_mcp.local.translate.topology import OUTBOUND_PORT
from tests.engines import local_stack
from tests.engines.processes import free_port

SCRIPT: Final = ["python", str(Path(__file__).with_name("vault_service.py"))]
URL: Final = "http://vault:8000/mcp"
META: Final = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
ACCEPT: Final = {"accept": "application/json, text/event-stream"}
DELAY_SECONDS: Final = 1.5
FAULTS: Final = {
    "broken": {"abort_status": 503},
    "slow-read": {"tool": "read", "delay_seconds": DELAY_SECONDS},
    "half": {"abort_status": 418, "percent": 50},
}


def rendered() -> list[Manifest]:
    """The objects of the stack: `vault` has faults to ask for, and an experiment with calls of `whoami`."""
    mesh = ServiceMeshArgs.model_validate({"domain": local_stack.HOST, "namespaces": ["mcp-system"]})
    more = {"faults": FAULTS, "experiments": {"no-whoami": {"tool": "whoami", "abort_status": 504}}}
    vault = local_stack.arguments(command=SCRIPT, callers=["front"], expose=True, replicas=1, **more)
    return [
        *cluster.mesh_manifests(mesh),
        *service.service_manifests("front", local_stack.arguments(replicas=1)),
        *service.service_manifests("vault", vault),
    ]


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The stack, running."""
    state = tmp_path_factory.mktemp("faults") / "stack"
    folders = RunFolders(state, state.parent / "secrets")
    with running(read_stack(rendered()), free_port(), folders, lambda _: None) as stack:
        yield stack


def call(tool: str, fault: str | None = None) -> dict[str, Any]:
    """A call as a request, which may ask for a fault."""
    params = {"name": tool, "arguments": {}, "_meta": META}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    named = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": tool}
    asked = {} if fault is None else {contract.FAULT_HEADER: fault}
    return {"json": body, "headers": ACCEPT | named | asked}


@pytest.fixture(params=["sidecar", "gateway"])
def post(request: pytest.FixtureRequest, up: Running) -> Iterator[Any]:
    """Calls of `vault` by another service, and from outside."""
    front = next(pod for pod in up.topology.pods if pod.name == "front-0")
    inside = request.param == "sidecar"
    proxy = f"http://{front.address}:{OUTBOUND_PORT}" if inside else None
    url = URL if inside else f"http://127.0.0.1:{up.gateway_port}/vault/mcp"
    with httpx2.Client(proxy=proxy, trust_env=False, timeout=30) as client:
        yield lambda request_: client.post(url, **request_)


@pytest.mark.parametrize(("fault", "status"), [(None, 200), ("broken", 503), ("Broken", 200), ("other", 200)])
def test_only_requests_with_the_header_get_the_injected_fault(post: Any, fault: str | None, status: int) -> None:
    """Requirement NET-11: fault injection requires a header."""
    assert post(call("read", fault)).status_code == status


def test_a_delay_applies_to_calls_of_its_tool_and_forwards_them(post: Any) -> None:
    """Istio API, HTTPFaultInjection.Delay: the request is forwarded after it."""
    begun = time.monotonic()
    assert post(call("read", "slow-read")).status_code == 200
    assert time.monotonic() - begun >= DELAY_SECONDS


def test_a_percentage_of_the_requests_gets_the_fault(post: Any) -> None:
    """Istio API, `percentage`; of 120 drawn at 50 %, outside 25 to 95 less often than once in 10^9 runs."""
    statuses = [post(call("read", "half")).status_code for _ in range(120)]
    assert set(statuses) == {200, 418}
    assert 25 <= statuses.count(418) <= 95


def test_an_experiment_affects_real_calls_of_its_tool_only(post: Any) -> None:
    """Requirement NET-11: an experiment targets a service and a tool; other tools are unaffected."""
    assert post(call("whoami")).status_code == 504
    assert post(call("read")).status_code == 200
