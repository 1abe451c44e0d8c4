"""Local rate limits with real Envoys, per tool and without tool names.

`vault` answers 6 calls of `read` and 2 of each other tool at once, then one an hour; `wide` has one limit.
Source of what is expected: Envoy, "Local rate limit"; RFC 6585, section 4.
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
from meshed_mcp.local.translate.topology import ADMIN_PORT, OUTBOUND_PORT, Pod
from tests.engines import local_stack
from tests.engines.processes import free_port

SCRIPT: Final = ["python", str(Path(__file__).with_name("vault_service.py"))]
META: Final = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
ACCEPT: Final = {"accept": "application/json, text/event-stream"}
HOURLY: Final = {"rate": "1/h"}
LIMITS: Final = {
    "tools": {"read": {**HOURLY, "burst": 6}, "*": {**HOURLY, "burst": 2}},
    "unnamed": {**HOURLY, "burst": 3},
}


def rendered() -> list[Manifest]:
    """The objects of the stack."""
    mesh = ServiceMeshArgs.model_validate({"domain": local_stack.HOST, "namespaces": ["mcp-system"]})
    each = {"command": SCRIPT, "callers": ["front"], "replicas": 1}
    services = {
        "front": local_stack.arguments(replicas=1),
        "vault": local_stack.arguments(**each, rate_limits=LIMITS),
        "wide": local_stack.arguments(**each, expose=True, rate_limits={"pod": {**HOURLY, "burst": 4}}),
    }
    return [
        *cluster.mesh_manifests(mesh),
        *(item for name, args in services.items() for item in service.service_manifests(name, args)),
    ]


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Running]:
    """The stack, running; each test has buckets of its own."""
    folders = RunFolders(tmp_path / "stack", tmp_path / "secrets")
    with running(read_stack(rendered()), free_port(), folders, lambda _: None) as stack:
        yield stack


def pod(up: Running, name: str) -> Pod:
    """A pod by name."""
    return next(each for each in up.topology.pods if each.name == name)


def call(tool: str, **headers: str) -> dict[str, Any]:
    """A call of 2026-07-28 as a request; `headers` replace or add."""
    params = {"name": tool, "arguments": {}, "_meta": META}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    named = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": tool}
    return {"json": body, "headers": ACCEPT | named | {key.replace("_", "-"): text for key, text in headers.items()}}


def legacy(tool: str) -> dict[str, Any]:
    """A call of 2025-11-25 as a request."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {}}}
    return {"json": body, "headers": ACCEPT | {"mcp-protocol-version": "2025-11-25"}}


def answered(client: httpx2.Client, url: str, request: dict[str, Any], times: int) -> int:
    """How many of `times` requests were not refused with 429."""
    return sum(client.post(url, **request).status_code != 429 for _ in range(times))


def through_front(up: Running) -> httpx2.Client:
    """HTTP as `front` has it: through its own sidecar."""
    return httpx2.Client(proxy=f"http://{pod(up, 'front-0').address}:{OUTBOUND_PORT}", trust_env=False, timeout=30)


def test_each_tool_has_its_own_limit_and_the_rest_share_one(up: Running) -> None:
    """Requirement NET-13: limits per tool; an exhausted tool leaves the others alone."""
    url = "http://vault:8000/mcp"
    with through_front(up) as client:
        assert answered(client, url, call("read"), 9) == 6
        assert answered(client, url, call("delete"), 1) == 1
        assert answered(client, url, call("whoami"), 4) == 1
        listing = call("read", mcp_method="tools/list")
        listing["json"] |= {"method": "tools/list", "params": {"_meta": META}}
        del listing["headers"]["mcp-name"]
        assert answered(client, url, listing, 12) == 12


def test_a_limited_call_gets_retry_after_and_never_runs(up: Running) -> None:
    """RFC 6585, section 4: 429 may have Retry-After; requirement RUN-5: a rejected request is not executed."""
    with through_front(up) as client:
        runs = [client.post("http://vault:8000/mcp", **call("read")) for _ in range(7)]
    assert [run.status_code for run in runs] == [200] * 6 + [429]
    assert runs[-1].headers["retry-after"] == "60"
    vault = pod(up, "vault-0")
    metrics = httpx2.get(f"http://{vault.address}:{contract.MANAGEMENT_PORT}/metrics").text
    ran = [
        line
        for line in metrics.splitlines()
        if line.startswith(f"{contract.METRIC_OPERATION_DURATION}_count") and 'gen_ai_tool_name="read"' in line
    ]
    assert [float(line.rpartition(" ")[2]) for line in ran] == [6.0]


@pytest.mark.parametrize(
    "request_",
    [
        legacy("read"),
        call("read", mcp_name="=?base64?cmVhZA==?="),
        call("read", mcp_method="=?base64?dG9vbHMvY2FsbA==?="),
        call("read", mcp_protocol_version="2026-07-29"),
        call("read", mcp_name="read,whoami"),
    ],
)
def test_requests_without_a_plain_tool_name_share_a_limit(up: Running, request_: dict[str, Any]) -> None:
    """Requirement NET-13: an older revision, an encoded name or two names do not bypass a tool's limit."""
    url = "http://vault:8000/mcp"
    with through_front(up) as client:
        assert answered(client, url, request_, 5) == 3
        assert answered(client, url, legacy("whoami"), 2) == 0
        assert answered(client, url, call("read"), 1) == 1


def test_a_pods_limit_counts_everything_but_health_and_metrics(up: Running) -> None:
    """Requirement RUN-7: probes and scrapes use the management port, which no limit reaches."""
    with httpx2.Client(trust_env=False, timeout=30) as client:
        url = f"http://127.0.0.1:{up.gateway_port}/wide/mcp"
        assert answered(client, url, call("read"), 3) + answered(client, url, legacy("whoami"), 3) == 4
        management = f"http://{pod(up, 'wide-0').address}:{contract.MANAGEMENT_PORT}"
        paths = (contract.LIVENESS_PATH, contract.READINESS_PATH, contract.METRICS_PATH)
        assert {client.get(management + path).status_code for path in paths * 3} == {200}


def test_limited_requests_are_counted_by_the_proxy(up: Running) -> None:
    """Envoy, "Local rate limit", statistics: `enforced` counts rejected requests."""
    with through_front(up) as client:
        answered(client, "http://vault:8000/mcp", call("whoami"), 5)
    found = httpx2.get(f"http://{pod(up, 'vault-0').address}:{ADMIN_PORT}/stats?format=json&filter=mcp_rate_limits")
    counters = {entry["name"]: entry["value"] for entry in json.loads(found.text)["stats"] if "value" in entry}
    assert counters["mcp_rate_limits.http_local_rate_limit.enforced"] == 3
