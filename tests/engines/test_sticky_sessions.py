"""`legacy: sticky` with real Envoys: sessions stay on their replica, reveal no address and end with it."""

import contextlib
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import TextContent

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster import manifests as cluster
from meshed_mcp.components.mesh.service import manifests as service
from meshed_mcp.components.mesh.service.args import ServiceMeshArgs
from meshed_mcp.local.process import changes
from meshed_mcp.local.process.container import RunFolders
from meshed_mcp.local.process.stack_runner import Running, running
from meshed_mcp.local.translate.stack import read_stack
from meshed_mcp.local.translate.topology import ADMIN_PORT, OUTBOUND_PORT, Pod
from tests.engines import local_stack
from tests.engines.processes import free_port
from tests.engines.waiting import wait_for

COMMAND: Final = ["python", str(Path(__file__).with_name("session_service.py"))]
URL: Final = "http://back:8000/mcp"
SESSIONS: Final = 40
CALLS: Final = 4
HEADERS: Final = {"Accept": "application/json, text/event-stream"}
INITIALIZE: Final = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "old", "version": "1"}},
}
PING: Final = {"jsonrpc": "2.0", "id": 2, "method": "ping"}


def rendered() -> list[Manifest]:
    """`back` has sessions, two stable replicas and a canary of 25 %; `front` may call it."""
    rollout = {"strategy": "canary", "image": "echo:2", "weights": {"stable": 75, "canary": 25}}
    back = local_stack.arguments(command=COMMAND, legacy="sticky", callers=["front"], rollout=rollout, replicas=2)
    objects = [
        *cluster.mesh_manifests(
            ServiceMeshArgs.model_validate({"domain": local_stack.HOST, "namespaces": [local_stack.NAMESPACE]})
        ),
        *service.service_manifests("front", local_stack.arguments(expose=True, replicas=1)),
        *service.service_manifests("back", back),
    ]
    for item in objects:
        if item["kind"] == "Deployment" and item["metadata"]["name"].endswith("-canary"):
            local_stack.set_version(item, "canary")
    return objects


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The stack, running."""
    state = tmp_path_factory.mktemp("sticky") / "stack"
    with running(
        read_stack(rendered()), free_port(), RunFolders(state, state.parent / "secrets"), lambda _: None
    ) as found:
        yield found


def as_front(up: Running, client: type[Any] = httpx2.Client) -> Any:
    """A client that calls as `front` does: through its sidecar."""
    (front,) = [pod for pod in up.topology.pods if pod.name == "front-0"]
    return client(
        proxy=f"http://{front.address}:{OUTBOUND_PORT}", trust_env=False, headers=HEADERS, timeout=local_timeout()
    )


def local_timeout() -> float:
    """Seconds for one response on a loaded machine."""
    return 60.0


async def serving_replicas(up: Running, mode: Any) -> list[str]:
    """Version and replica that serve each call of one client, in order."""
    found = []
    async with (
        as_front(up, httpx2.AsyncClient) as http,
        Client(streamable_http_client(URL, http_client=http), mode=mode) as client,
    ):
        for _ in range(CALLS):
            content = (await client.call_tool("where", {})).content[0]
            assert isinstance(content, TextContent)
            found.append(content.text)
    return found


def test_every_session_stays_on_one_replica_and_all_replicas_get_some(up: Running) -> None:
    """Requirement NET-7: 40 sessions; a canary of 25 % without any is one in 100,000 runs."""
    sessions = [set(anyio.run(serving_replicas, up, "legacy")) for _ in range(SESSIONS)]
    assert [len(session) for session in sessions] == [1] * SESSIONS
    replicas = set.union(*sessions)
    assert {replica.split()[0] for replica in replicas} == {"stable", "canary"}
    assert len(replicas) == 3


def test_clients_without_sessions_are_not_bound_to_a_replica(up: Running) -> None:
    """MCP 2026-07-28: any replica may serve any request."""
    found = {replica for _ in range(SESSIONS) for replica in anyio.run(serving_replicas, up, "2026-07-28")}
    assert len(found) == 3


def test_a_client_sees_an_id_without_an_address_and_no_internal_header(up: Running) -> None:
    """Requirement NET-7: the id reveals the pod's address neither in clear nor in hex."""
    with as_front(up) as client:
        answer = client.post(URL, json=INITIALIZE)
        session = answer.headers["mcp-session-id"]
        assert answer.status_code == 200
        assert "x-mcp-upstream" not in answer.headers
        for pod in up.topology.pods:
            assert pod.address not in session
            assert pod.address.encode().hex() not in session
        again = client.post(URL, json=PING, headers={"mcp-session-id": session})
        assert (again.status_code, again.headers["mcp-session-id"]) == (200, session)
        assert client.delete(URL, headers={"mcp-session-id": session}).status_code == 200
        assert client.post(URL, json=PING, headers={"mcp-session-id": session}).status_code == 404


@pytest.mark.parametrize("foreign", ["other", "other~", f"other~{b'127.0.0.1:22'.hex()}", "other~" + "ab" * 40])
def test_an_invented_id_is_an_unknown_session(up: Running, foreign: str) -> None:
    """MCP 2025-11-25, "Session Management": 404; the proxy connects to no address that a client chose."""
    with as_front(up) as client:
        assert client.post(URL, json=PING, headers={"mcp-session-id": foreign}).status_code == 404


def test_a_draining_replica_serves_its_sessions_and_gets_no_new_ones(up: Running) -> None:
    """istiod, persistent-session label: a draining endpoint serves only requests that name it."""
    (ending,) = [pod for pod in up.topology.pods if pod.name == "back-0"]
    with as_front(up) as client:
        sessions: dict[str, str] = {}
        wait_for(lambda: _remembered(client, sessions, up) and ending.address in sessions, "a session on the replica")
        changes.remove_endpoints(up, [ending])
        wait_for(lambda: _health(up, ending) == "/eds_status_draining", "the sidecar knows")
        assert {_ping(client, sessions[ending.address]) for _ in range(CALLS)} == {200}
        later: dict[str, str] = {}
        for _ in range(SESSIONS // 2):
            _remembered(client, later, up)
        assert ending.address not in later
        assert changes.drain(up, [ending]) == {"back-0": 0}
        wait_for(lambda: _ping(client, sessions[ending.address]) == 404, "the end of the session")
    changes.add_replicas(up, ending.deployment, 1)


def test_a_session_whose_replica_is_lost_gets_404_and_a_new_one_works(up: Running) -> None:
    """MCP 2025-11-25, "Session Management": on 404 the client begins a new session.

    A request that the dying process still accepted gets 503; later ones are marked as undelivered and go to another
    replica, which knows no such session.
    """
    with as_front(up) as client:
        sessions: dict[str, str] = {}
        wait_for(lambda: _remembered(client, sessions, up) == 3, "a session on each of three replicas")
        victim = "back-1"
        (address,) = [pod.address for pod in up.topology.pods if pod.name == victim]
        os.kill(up.services.pids[victim], signal.SIGKILL)
        seen = []

        def is_over() -> bool:
            seen.append(_ping(client, sessions[address]))
            return seen[-1] == 404

        wait_for(is_over, "the end of the session")
        assert set(seen) <= {503, 404}
        kept = {_ping(client, session) for place, session in sessions.items() if place != address}
        assert kept == {200}
        wait_for(lambda: client.post(URL, json=INITIALIZE).status_code == 200, "a new session")


def _health(up: Running, pod: Pod) -> str:
    """What the sidecar of `front` thinks of a replica."""
    (front,) = [each for each in up.topology.pods if each.name == "front-0"]
    text = httpx2.get(f"http://{front.address}:{ADMIN_PORT}/clusters", trust_env=False).text
    (found,) = re.findall(rf"^outbound\|8000\|\|back\..*::{pod.address}:\d+::health_flags::(.*)$", text, re.MULTILINE)
    return str(found)


def _ping(client: httpx2.Client, session: str) -> int:
    with contextlib.suppress(httpx2.TransportError):
        return client.post(URL, json=PING, headers={"mcp-session-id": session}).status_code
    return 0


def _remembered(client: httpx2.Client, sessions: dict[str, str], up: Running) -> int:
    """Open one more session, note it under its replica's address, and count the replicas that have one."""
    session = client.post(URL, json=INITIALIZE).headers["mcp-session-id"]
    call = {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "where", "arguments": {}}}
    initialized = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    headers = {"mcp-session-id": session, "mcp-protocol-version": "2025-11-25"}
    assert client.post(URL, json=initialized, headers=headers).status_code == 202
    text = client.post(URL, json=call, headers=headers).text
    (address,) = [pod.address for pod in up.made if f'{pod.address}"' in text]
    sessions[address] = session
    return len(sessions)
