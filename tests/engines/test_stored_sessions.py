"""`sessions: {store: redis}` with real Envoys and a real Redis: a session goes on when its pod is killed or drained."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.components.mesh.service.args import ServiceMeshArgs
from meshed_mcp.local.process import changes
from meshed_mcp.local.process.container import RunFolders
from meshed_mcp.local.process.stack_runner import Running, running
from meshed_mcp.local.translate.stack import read_stack
from meshed_mcp.local.translate.topology import OUTBOUND_PORT, Pod
from tests.engines import local_stack
from tests.engines.processes import free_port
from tests.engines.waiting import wait_for
from tests.redis_server import redis_server

pytestmark = pytest.mark.engine("redis-server")

COMMAND: Final = ["python", str(Path(__file__).with_name("session_service.py"))]
URL: Final = "http://back:8000/mcp"
CALLS: Final = 6
HEADERS: Final = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}
INITIALIZE: Final = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "old", "version": "1"}},
}
WHERE: Final = {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "where", "arguments": {}}}


def rendered() -> list[Manifest]:
    """`back` has three replicas and sessions in Redis; `front` may call it."""
    back = local_stack.arguments(
        command=COMMAND,
        legacy="sticky",
        sessions={"store": "redis"},
        redis={"secret": "redis", "key": "url"},
        callers=["front"],
        replicas=3,
    )
    return [
        *cluster.mesh_manifests(
            ServiceMeshArgs.model_validate({"domain": local_stack.HOST, "namespaces": [local_stack.NAMESPACE]})
        ),
        *service.service_manifests("front", local_stack.arguments(expose=True, replicas=1)),
        *service.service_manifests("back", back),
    ]


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, find_engine: Callable[[str], Path]) -> Iterator[Running]:
    """The stack, running, with a Redis that the local run reads from its environment."""
    state = tmp_path_factory.mktemp("stored") / "stack"
    redis = redis_server(find_engine("redis-server"))
    redis.start()
    with pytest.MonkeyPatch.context() as patch, contextlib.closing(contextlib.ExitStack()) as stack:
        stack.callback(redis.stop)
        patch.setenv(contract.ENV_REDIS_URL, redis.url)
        yield stack.enter_context(
            running(read_stack(rendered()), free_port(), RunFolders(state, state.parent / "secrets"), lambda _: None)
        )


@pytest.fixture
def client(up: Running) -> Iterator[httpx2.Client]:
    """A client that calls as `front` does: through its sidecar."""
    (front,) = [pod for pod in up.topology.pods if pod.name == "front-0"]
    proxy = f"http://{front.address}:{OUTBOUND_PORT}"
    with httpx2.Client(proxy=proxy, trust_env=False, headers=HEADERS, timeout=60) as found:
        yield found


def opened(client: httpx2.Client, up: Running, victim: str) -> str:
    """A session on the pod `victim`."""
    (address,) = [pod.address for pod in up.topology.pods if pod.name == victim]
    for _ in range(60):
        session = str(client.post(URL, json=INITIALIZE).headers[contract.SESSION_HEADER])
        initialized = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        assert client.post(URL, json=initialized, headers={contract.SESSION_HEADER: session}).status_code == 202
        if address in serving(client, session, up):
            return session
    raise AssertionError(f"no session on {victim}")


def serving(client: httpx2.Client, session: str, up: Running) -> str:
    """Address of the pod that serves a call of the session, or the status of the response."""
    response = client.post(URL, json=WHERE, headers={contract.SESSION_HEADER: session})
    found = [pod.address for pod in up.made if f'{pod.address}"' in response.text]
    return found[0] if found else str(response.status_code)


def pod_of(up: Running, name: str) -> Pod:
    """The pod of this name."""
    (found,) = [pod for pod in up.topology.pods if pod.name == name]
    return found


def test_a_session_of_a_killed_pod_goes_on_at_one_other_pod(up: Running, client: httpx2.Client) -> None:
    """Requirement STR-5: the proxy falls through to the same other replica each time, with the id of the first one.

    A request that the dying process still accepted gets 503, as for sessions in memory.
    """
    victim = "back-0"
    session, address = opened(client, up, victim), pod_of(up, victim).address
    os.kill(up.services.pids[victim], signal.SIGKILL)
    seen: list[str] = []

    def goes_on() -> bool:
        seen.append(serving(client, session, up))
        return "." in seen[-1] and seen[-1] != address

    wait_for(goes_on, "the takeover")
    assert set(seen[:-1]) <= {"503", "500"}
    assert {serving(client, session, up) for _ in range(CALLS)} == {seen[-1]}


def test_a_session_of_a_drained_pod_goes_on_without_an_error(up: Running, client: httpx2.Client) -> None:
    """Requirement STR-5: while the pod rejects requests, the caller's proxy sends them to another one by itself."""
    ending = pod_of(up, "back-1")
    session = opened(client, up, ending.name)
    changes.remove_endpoints(up, [ending])
    assert serving(client, session, up)
    assert changes.drain(up, [ending]) == {ending.name: 0}
    found = [serving(client, session, up) for _ in range(CALLS)]
    assert len(set(found)) == 1
    assert "." in found[0]
    assert found[0] != ending.address


def test_an_unknown_session_still_gets_404(up: Running, client: httpx2.Client) -> None:
    """MCP 2025-11-25, "Session Management"; requirement NET-8."""
    ping: dict[str, Any] = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
    assert {
        client.post(URL, json=ping, headers={contract.SESSION_HEADER: name * 32}).status_code for name in "abc"
    } == {404}
    assert up.services.pids
