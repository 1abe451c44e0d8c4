"""Authorization of callers, tools and tokens with real Envoys.

`vault` is called by `front` and `side` and is exposed. Only `front` may call `delete`; no caller may call `purge`.
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
from meshed_mcp.local.translate.topology import OUTBOUND_PORT, Pod
from tests.engines import local_stack
from tests.engines.processes import free_port
from tests.engines.waiting import wait_for

SCRIPT: Final = ["python", str(Path(__file__).with_name("vault_service.py"))]
VAULT: Final = "http://vault:8000/mcp"
FRONT: Final = "cluster.local/ns/mcp-system/sa/front"
GATEWAY: Final = "cluster.local/ns/istio-ingress/sa/istio-ingress"
META: Final = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
TRACEPARENT: Final = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
ACCEPT: Final = {"accept": "application/json, text/event-stream"}


def rendered() -> list[Manifest]:
    """The objects of the stack."""
    tools = {"delete": {"allow": ["front"]}, "purge": {"allow": []}}
    vault = local_stack.arguments(command=SCRIPT, callers=["front", "side"], expose=True, tools=tools, replicas=1)
    return [
        *cluster.mesh_manifests(
            ServiceMeshArgs.model_validate({"domain": local_stack.HOST, "namespaces": ["mcp-system"]})
        ),
        *service.service_manifests("front", local_stack.arguments(replicas=1)),
        *service.service_manifests("side", local_stack.arguments(replicas=1)),
        *service.service_manifests("vault", vault),
    ]


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The stack, running."""
    state = tmp_path_factory.mktemp("identity") / "stack"
    folders = RunFolders(state, state.parent / "secrets")
    with running(read_stack(rendered()), free_port(), folders, lambda _: None) as stack:
        yield stack


def pod(up: Running, name: str) -> Pod:
    """A pod by name."""
    return next(each for each in up.topology.pods if each.name == name)


def as_service(up: Running, name: str) -> httpx2.Client:
    """HTTP as that service has it: through its own sidecar."""
    return httpx2.Client(proxy=f"http://{pod(up, f'{name}-0').address}:{OUTBOUND_PORT}", trust_env=False, timeout=30)


def modern(tool: str, **headers: str) -> dict[str, Any]:
    """A call of 2026-07-28 as a request; `headers` replace or add."""
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": tool, "arguments": {}, "_meta": META},
    }
    named = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": tool}
    return {
        "json": body,
        "headers": ACCEPT | named | {name.replace("_", "-"): value for name, value in headers.items()},
    }


def legacy(tool: str, **headers: str) -> dict[str, Any]:
    """A call of 2025-11-25 as a request."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {}}}
    named = {"mcp-protocol-version": "2025-11-25"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return {"json": body, "headers": ACCEPT | named}


def outcome(answer: httpx2.Response) -> str:
    """`ran`, the code of the JSON-RPC error, or who else refused."""
    if answer.text == "RBAC: access denied":
        return f"mesh {answer.status_code}"
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: {")]
    message = json.loads(lines[-1] if lines else answer.text)
    return f"{answer.status_code} {message['error']['code']}" if "error" in message else "ran"


@pytest.mark.parametrize(
    ("caller", "request_", "expected"),
    [
        ("front", modern("read"), "ran"),
        ("side", modern("read"), "ran"),
        ("front", modern("delete"), "ran"),
        ("side", modern("delete"), "mesh 403"),
        ("front", modern("purge"), "mesh 403"),
        ("side", modern("delete", mcp_name="=?base64?ZGVsZXRl?="), "mesh 403"),
        ("side", modern("delete", mcp_method="=?base64?dG9vbHMvY2FsbA==?="), "mesh 403"),
        ("side", modern("delete", mcp_name="read"), "400 -32020"),
        ("side", modern("delete", mcp_method="tools/list"), "400 -32020"),
        ("side", modern("delete", mcp_protocol_version="2025-11-25"), "mesh 403"),
        ("side", legacy("read"), "ran"),
        ("front", legacy("delete"), "ran"),
        ("side", legacy("delete"), "200 403"),
        ("front", legacy("purge"), "200 403"),
        ("side", legacy("delete", mcp_method="tools/call", mcp_name="read"), "mesh 403"),
        ("side", legacy("delete", mcp_method="tools/list", mcp_name="read"), "200 403"),
        ("side", legacy("delete", x_forwarded_client_cert=f"URI=spiffe://{FRONT}"), "200 403"),
        ("side", legacy("delete", x_forwarded_client_cert=f'URI=spiffe://{FRONT};Subject="'), "200 403"),
    ],
)
def test_a_tool_is_open_to_its_allowed_callers_in_every_revision(
    up: Running, caller: str, request_: dict[str, Any], expected: str
) -> None:
    """Requirement SEC-3: the mesh reads headers of 2026-07-28, the server every body."""
    with as_service(up, caller) as client:
        assert outcome(client.post(VAULT, **request_)) == expected


def test_the_gateway_is_a_caller_like_any_other(up: Running) -> None:
    """Requirement SEC-2: external clients have the gateway's identity; theirs is never taken from a header."""
    url = f"http://127.0.0.1:{up.gateway_port}/vault/mcp"
    forged = {"x_forwarded_client_cert": f"URI=spiffe://{FRONT}"}
    with httpx2.Client(trust_env=False, timeout=30) as client:
        assert outcome(client.post(url, **modern("read", **forged))) == "ran"
        assert outcome(client.post(url, **modern("delete", **forged))) == "mesh 403"
        assert outcome(client.post(url, **legacy("delete", **forged))) == "200 403"


def test_a_tool_can_read_its_caller(up: Running) -> None:
    """Requirement SEC-2: `caller_of` returns the identity that the sidecar verified; through the gateway, its own."""
    forged = {"x_forwarded_client_cert": f"URI=spiffe://{FRONT}"}
    with as_service(up, "side") as client:
        answer = client.post(VAULT, **modern("whoami", **forged)).json()
    assert answer["result"]["structuredContent"]["result"] == "cluster.local/ns/mcp-system/sa/side"
    with httpx2.Client(trust_env=False, timeout=30) as client:
        answer = client.post(f"http://127.0.0.1:{up.gateway_port}/vault/mcp", **modern("whoami", **forged)).json()
    assert answer["result"]["structuredContent"]["result"] == GATEWAY


def test_a_call_past_the_sidecar_has_no_identity_whatever_its_headers(up: Running) -> None:
    """Requirement SEC-2: the header counts from the sidecar alone; elsewhere it is dropped and counted."""
    vault = pod(up, "vault-0")
    metrics = f"http://{vault.address}:{contract.MANAGEMENT_PORT}/metrics"
    forged = 'mcp_server_authentications_total{kind="peer",result="forged"}'

    def count(client: httpx2.Client) -> float:
        lines = client.get(metrics).text.splitlines()
        return float(next(line.rpartition(" ")[2] for line in lines if line.startswith(forged)))

    with httpx2.Client(trust_env=False, timeout=30) as client:
        before = count(client)
        request = modern("delete", x_forwarded_client_cert=f"URI=spiffe://{FRONT}", host="vault")
        answer = client.post(f"http://{vault.address}:{vault.port}/mcp", **request)
        assert outcome(answer) == "403 403"
        assert answer.json()["error"]["message"] == (
            "This tool is not open to callers without an identity in the mesh."
        )
        assert count(client) == before + 1


@pytest.mark.parametrize(
    ("caller", "tools"),
    [("front", ["read", "delete", "whoami", "organization"]), ("side", ["read", "whoami", "organization"])],
)
def test_a_caller_sees_only_the_tools_it_may_call(up: Running, caller: str, tools: list[str]) -> None:
    """Requirement SEC-8: `tools/list` is filtered; MCP, "Caching": not shared between callers."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": META}}
    headers = ACCEPT | {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/list"}
    with as_service(up, caller) as client:
        result = client.post(VAULT, json=body, headers=headers).json()["result"]
    assert [tool["name"] for tool in result["tools"]] == tools
    assert result["cacheScope"] == "private"


def test_decisions_are_in_the_audit_log_with_caller_tool_and_reason(up: Running) -> None:
    """Requirement SEC-9: one line per decision, without arguments."""
    with as_service(up, "front") as client:
        request = legacy("purge")
        request["json"]["params"] |= {"arguments": {"secret": "marzipan"}, "_meta": {"traceparent": TRACEPARENT}}
        client.post(VAULT, **request)
    log = up.folders.log("vault-0")

    def lines() -> list[dict[str, Any]]:
        found = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
        return [line for line in found if line["logger"] == "meshed_mcp.audit" and line["tool"] == "purge"]

    line = wait_for(lines, "an audit line")[-1]
    assert (line["caller"], line["verdict"], line["reason"]) == (FRONT, "refused", "not_listed")
    assert line["trace_id"] == TRACEPARENT.split("-")[1]
    assert "marzipan" not in log.read_text()
