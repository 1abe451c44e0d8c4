"""Access log of real Envoys: one JSON line per selected request, with MCP method and tool."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.components.mesh.service.args import ServiceMeshArgs
from meshed_mcp.local.process.container import RunFolders
from meshed_mcp.local.process.stack_runner import Running, running
from meshed_mcp.local.translate.stack import read_stack
from meshed_mcp.local.translate.topology import OUTBOUND_PORT
from tests.engines import local_stack
from tests.engines.processes import free_port
from tests.engines.waiting import wait_for

SCRIPT: Final = ["python", str(Path(__file__).with_name("vault_service.py"))]
META: Final = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
ACCEPT: Final = {"accept": "application/json, text/event-stream"}
TRACE: Final = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0"


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The stack: `vault` logs as the mesh does, where an hour is slow; `front` logs everything."""
    slow = {"access_log": {"slow_seconds": 3600}}
    mesh = {"domain": local_stack.HOST, "namespaces": ["mcp-system"], **slow}
    objects = [
        *cluster.mesh_manifests(ServiceMeshArgs.model_validate(mesh, by_name=True)),
        *service.service_manifests("front", local_stack.arguments(replicas=1, access_log={"requests": "all"})),
        *service.service_manifests("vault", local_stack.arguments(command=SCRIPT, callers=["front"], replicas=1)),
    ]
    state = tmp_path_factory.mktemp("access-log") / "stack"
    with running(
        read_stack(objects), free_port(), RunFolders(state, state.parent / "secrets"), lambda _: None
    ) as stack:
        yield stack


def call(client: httpx2.Client, tool: str, **headers: str) -> int:
    """A call's status."""
    params = {"name": tool, "arguments": {}, "_meta": META}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    named = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": tool}
    return client.post("http://vault:8000/mcp", json=body, headers=ACCEPT | named | headers).status_code


def logged(up: Running, pod: str) -> list[dict[str, Any]]:
    """Lines of a proxy's log that are about requests."""
    text = "".join(path.read_text() for path in up.folders.state.rglob(f"{pod}.envoy*.log"))
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [line for line in lines if "response_code" in line]


def test_errors_and_traced_calls_are_logged_and_ordinary_ones_are_not(up: Running) -> None:
    """Requirement OBS-10: access logs are filtered by CEL; ordinary calls follow the sampling decision of traces."""
    front = next(pod for pod in up.topology.pods if pod.name == "front-0")
    with httpx2.Client(proxy=f"http://{front.address}:{OUTBOUND_PORT}", trust_env=False, timeout=30) as client:
        statuses = [
            call(client, "read"),
            call(client, "read", traceparent=f"{TRACE}0"),
            call(client, "whoami", traceparent=f"{TRACE}1"),
            call(client, "read", **{"mcp-name": "delete" * 40}),
        ]
    assert statuses == [200, 200, 200, 400]
    wait_for(lambda: len(logged(up, "vault-0")) >= 2, "lines about two requests")
    wait_for(lambda: len(logged(up, "front-0")) >= 4, "lines about all requests")
    found = [(line["response_code"], line["mcp_method"], line["mcp_name"]) for line in logged(up, "vault-0")]
    assert found == [(200, "tools/call", "whoami"), (400, "tools/call", ("delete" * 40)[:128])]
    assert {line["peer"] for line in logged(up, "vault-0")} == {"spiffe://cluster.local/ns/mcp-system/sa/front"}
    assert [line["response_code"] for line in logged(up, "front-0")] == statuses
