"""Global rate limits: real Envoys, the real rate limit service and a real Redis.

The rules that the service reads and the questions of the proxies are what the components render. Source of what is
expected: github.com/envoyproxy/ratelimit, README; Envoy, "Rate limit".
"""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.rate_limit import server as rate_limiting
from meshed_mcp.components.mesh.rate_limit.server_args import FailureMode
from meshed_mcp.components.mesh.rate_limit.shared import STAT_PREFIX, rate_limit_ref
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.components.mesh.service.args import ServiceMeshArgs
from meshed_mcp.local.process.container import RunFolders
from meshed_mcp.local.process.stack_runner import Running, running
from meshed_mcp.local.translate.stack import read_stack
from meshed_mcp.local.translate.topology import ADMIN_PORT, OUTBOUND_PORT
from tests.engines import local_stack
from tests.engines.processes import free_port
from tests.engines.waiting import wait_for
from tests.redis_server import RedisServer, redis_server

SCRIPT: Final = ["python", str(Path(__file__).with_name("vault_service.py"))]
META: Final = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
ACCEPT: Final = {"accept": "application/json, text/event-stream"}
LIMITS: Final = {"tools": {"read": {"rate": "6/d"}, "*": {"rate": "2/d"}}}
PODS: Final = 3


def mesh() -> ServiceMeshArgs:
    """A mesh with the service that counts."""
    redis = {"secret": "redis", "key": "address"}
    limits = {"vault": LIMITS, "closed": LIMITS}
    more = {"rate_limiting": {"redis": redis, "failure_mode": "open"}, "shared_limits": limits}
    return ServiceMeshArgs.model_validate(
        {"domain": local_stack.HOST, "namespaces": ["mcp-system"], **more}, by_name=True
    )


def rendered() -> list[Manifest]:
    """The objects of the stack. Without the rate limit service `vault` serves calls, and `closed` rejects them."""
    each = {"command": SCRIPT, "callers": ["front"], "rate_limits": {"shared": LIMITS}}
    modes = {mode: rate_limit_ref("mcp-system", "cluster.local", mode) for mode in FailureMode}
    services = {
        "front": local_stack.arguments(replicas=1),
        "vault": local_stack.arguments(**each, replicas=PODS, rate_limit_service=modes[FailureMode.OPEN]),
        "closed": local_stack.arguments(**each, replicas=1, rate_limit_service=modes[FailureMode.CLOSED]),
    }
    items = (item for name, args in services.items() for item in service.service_manifests(name, args))
    return [*cluster.mesh_manifests(mesh()), *items]


@pytest.fixture(scope="module")
def redis(find_engine: Callable[[str], Path]) -> Iterator[RedisServer]:
    """A Redis that starts empty."""
    server = redis_server(find_engine("redis-server"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def counting(find_engine: Callable[[str], Path], redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The rate limit service with the rendered rules, at the port where local proxies ask."""
    folder = tmp_path_factory.mktemp("ratelimit")
    (folder / "config").mkdir()
    (folder / "config" / rate_limiting.RULES_FILE).write_text(rate_limiting.rules_file(mesh()))
    environment = {**os.environ, **rate_limiting.environment(str(folder)), "REDIS_URL": f"127.0.0.1:{redis.port}"}
    environment |= {"HOST": "127.0.0.1", "GRPC_HOST": "127.0.0.1", "PROMETHEUS_ADDR": f"127.0.0.1:{free_port()}"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([find_engine("ratelimit")], env=environment, stdout=log, stderr=log)
    health = f"http://127.0.0.1:{rate_limiting.HEALTH_PORT}{rate_limiting.HEALTH_PATH}"

    def healthy() -> bool:
        assert process.poll() is None, (folder / "log").read_text()
        try:
            return bool(httpx2.get(health).status_code == 200)
        except httpx2.TransportError:
            return False

    try:
        wait_for(healthy, "the rate limit service")
        yield process
    finally:
        process.kill()
        process.wait(30)


@pytest.fixture(scope="module")
def up(counting: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The stack, running."""
    assert counting.poll() is None
    state = tmp_path_factory.mktemp("shared") / "stack"
    folders = RunFolders(state, state.parent / "secrets")
    with running(read_stack(rendered()), free_port(), folders, lambda _: None) as stack:
        yield stack


@pytest.fixture
def client(up: Running) -> Iterator[httpx2.Client]:
    """HTTP as `front` has it: through its own sidecar."""
    front = next(pod for pod in up.topology.pods if pod.name == "front-0")
    with httpx2.Client(proxy=f"http://{front.address}:{OUTBOUND_PORT}", trust_env=False, timeout=30) as found:
        yield found


def call(tool: str, revision: str = "2026-07-28") -> dict[str, Any]:
    """A call as a request."""
    params = {"name": tool, "arguments": {}, "_meta": META}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    named = {"mcp-protocol-version": revision, "mcp-method": "tools/call", "mcp-name": tool}
    return {"json": body, "headers": ACCEPT | named}


def statuses(client: httpx2.Client, request: dict[str, Any], times: int, host: str = "vault") -> list[int]:
    """Statuses of so many equal requests."""
    return [client.post(f"http://{host}:8000/mcp", **request).status_code for _ in range(times)]


def over_limit(address: str) -> int:
    """How many requests a proxy counts as refused. Source of the name: Envoy, "Rate limit", statistics."""
    text = httpx2.get(f"http://{address}:{ADMIN_PORT}/stats?filter=ratelimit.{STAT_PREFIX}.over_limit").text
    return sum(int(line.rpartition(" ")[2]) for line in text.splitlines())


def test_all_pods_together_enforce_the_shared_limit(up: Running, client: httpx2.Client) -> None:
    """Requirement NET-14: a shared limit is one number, however many pods there are."""
    assert statuses(client, call("read"), 4 * PODS) == [200] * 6 + [429] * (4 * PODS - 6)
    assert statuses(client, call("whoami"), 3) == [200, 200, 429]
    assert statuses(client, call("delete"), 1) == [429]
    refused = [over_limit(pod.address) for pod in up.topology.pods if pod.name.startswith("vault-")]
    assert sum(refused) == 4 * PODS - 6 + 2


def test_requests_that_name_no_tool_share_the_smallest_limit(client: httpx2.Client) -> None:
    """Requirement NET-13: leaving the name out is never better than sending it."""
    assert statuses(client, call("read", "2025-11-25"), 4)[2:] == [429, 429]


def test_services_are_counted_separately_and_rejections_have_retry_after(client: httpx2.Client) -> None:
    """RFC 6585, section 4; requirement NET-14: each service has its own limits."""
    assert statuses(client, call("whoami"), 2, "closed") == [200, 200]
    refused = client.post("http://closed:8000/mcp", **call("whoami"))
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")


@pytest.mark.parametrize(("host", "status"), [("vault", 200), ("closed", 503)])
def test_with_redis_down_requests_follow_the_stacks_failure_mode(
    client: httpx2.Client, redis: RedisServer, host: str, status: int
) -> None:
    """Envoy, RateLimit, `failure_mode_deny`; requirement NET-14: open allows, closed rejects with 503."""
    redis.stop()
    assert statuses(client, call("read"), 3, host) == [status] * 3
