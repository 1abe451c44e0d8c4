"""The local run with real processes and Envoys: authorization, traffic split, shutdown."""

import contextlib
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import anyio
import httpx2
import pytest
from rich.console import Console

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.local.clients import call, mcp_client, status, tools
from meshed_mcp.local.command import Call, run
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.process.container import RunFolders
from meshed_mcp.local.process.stack_runner import Running, running
from meshed_mcp.local.translate.endpoints import Endpoint, as_caller, direct, through_mesh
from meshed_mcp.local.translate.objects.workload import Service
from meshed_mcp.local.translate.stack import read_stack
from meshed_mcp.local.translate.topology import INBOUND_PORT, OUTBOUND_PORT, Pod
from meshed_mcp.local.verification import verify_rejections
from tests.engines import local_stack
from tests.engines.processes import free_port
from tests.engines.waiting import wait_for

OUTSIDE_PORT: Final = free_port()
BACK_URL: Final = "http://back:8000/mcp"
WAIT_SECONDS: Final = 30.0
LOCAL_RUN: Final = """
import json, signal, sys
from pathlib import Path
from rich.console import Console
from meshed_mcp.local.command import RunOptions, run
# As in a terminal: a shell's background jobs, and what they start, have it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
objects, port, state = json.loads(Path(sys.argv[1]).read_text()), int(sys.argv[2]), Path(sys.argv[3])
options = RunOptions(keep_running=True, monitor=False)
sys.exit(run(objects, gateway_port=port, calls=[], state_dir=state, console=Console(), options=options))
"""


@contextlib.contextmanager
def started(state: Path, back_replicas: int = 1, more: Sequence[Manifest] = ()) -> Iterator[Running]:
    """The small stack, running."""
    stack = read_stack([*local_stack.rendered(back_replicas), *more])
    with running(stack, free_port(), RunFolders(state, state.parent / "secrets"), lambda _: None) as up:
        yield up


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One running stack for the tests that change nothing."""
    with (
        socket.create_server(("127.0.0.1", OUTSIDE_PORT)) as outside,
        started(tmp_path_factory.mktemp("run") / "small", more=[local_stack.outside("localhost", OUTSIDE_PORT)]) as up,
    ):
        threading.Thread(target=greet, args=[outside], daemon=True).start()
        yield up


def greet(outside: socket.socket) -> None:
    """An external host: sends one word to each client that connects, until its socket is closed."""
    with contextlib.suppress(OSError):
        while True:
            connection, _ = outside.accept()
            with connection:
                connection.sendall(b"welcome")


def named(up: Running, name: str) -> Service:
    """A Service by name."""
    return next(each for each in up.topology.stack.services if each.name == name)


def pod(up: Running, name: str) -> Pod:
    """A pod by name."""
    return next(each for each in up.topology.pods if each.name == name)


def from_front(up: Running) -> Endpoint:
    """What `front` does when it calls `back`."""
    return as_caller(up.topology, named(up, "back"), pod(up, "front-0"))


async def answers(endpoint: Endpoint, count: int) -> list[str]:
    """Answers of `who`, or the error, one after the other on one client."""
    found = []
    async with mcp_client(endpoint) as session:
        for _ in range(count):
            try:
                result = await session.call_tool("who", {})
                found.append(str((result.structured_content or {}).get("result")))
            except Exception as error:  # noqa: BLE001 - what kind of failure is the SDK's matter
                found.append(f"failed: {error}")
    return found


def test_a_call_through_the_gateway_reaches_a_server_that_calls_another(up: Running) -> None:
    """Requirement LOC-1: gateway and two sidecars, mutual TLS and policy on each hop."""
    front = through_mesh(up, named(up, "front"))
    assert front is not None
    assert anyio.run(tools, front) == ["who", "ask"]
    assert anyio.run(call, front, "ask", {"url": BACK_URL}) in {"stable", "canary"}


@pytest.mark.parametrize(
    "host", ["back", "back.mcp-system", "back.mcp-system.svc", "back.mcp-system.svc.cluster.local"]
)
def test_every_dns_name_of_a_service_resolves(up: Running, host: str) -> None:
    """Kubernetes, "DNS for Services and Pods"."""
    endpoint = Endpoint(f"http://{host}:8000/mcp", proxy=from_front(up).proxy)
    assert anyio.run(tools, endpoint) == ["who", "ask"]


@pytest.mark.parametrize("host", ["example.com", "back:9464", "back.other:8000", "127.0.0.1:8000"])
def test_an_unknown_host_is_rejected(up: Running, host: str) -> None:
    """Istio, outboundTrafficPolicy REGISTRY_ONLY: 502 from the virtual host block_all."""
    assert anyio.run(status, Endpoint(f"http://{host}/mcp", proxy=from_front(up).proxy), "GET") == 502


@pytest.mark.parametrize(
    ("target", "answer"),
    [(f"localhost:{OUTSIDE_PORT}", b"200 OK"), ("localhost:1", b"502 Bad Gateway"), ("back:8000", b"404 Not Found")],
    ids=["declared", "undeclared", "no tunnel"],  # the port differs in every process
)
def test_only_declared_external_hosts_are_reached(up: Running, target: str, answer: bytes) -> None:
    """Istio ServiceEntry under REGISTRY_ONLY; the local run uses CONNECT to its sidecar."""
    with socket.create_connection((pod(up, "front-0").address, OUTBOUND_PORT), WAIT_SECONDS) as connection:
        connection.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        answered = connection.recv(4096)
        assert answer in answered
        assert (b"welcome" in answered + connection.recv(4096)) is (answer == b"200 OK")


def test_an_unauthorized_caller_gets_403_and_plaintext_is_rejected(up: Running) -> None:
    """Requirement SEC-1: default deny, STRICT mutual TLS."""
    found = anyio.run(verify_rejections, up.topology)
    assert (found.callers, found.plaintext) == (1, 3)


def test_a_path_other_than_the_endpoint_is_rejected_even_for_an_allowed_caller(up: Running) -> None:
    """Istio AuthorizationPolicy, operation `paths`."""
    endpoint = Endpoint("http://back:8000/mcpx", proxy=from_front(up).proxy)
    assert anyio.run(status, endpoint, "POST") == 403


def test_a_client_without_a_mesh_certificate_is_rejected(up: Running) -> None:
    """Istio PeerAuthentication STRICT: the server requires a client certificate."""
    url = f"https://{pod(up, 'back-0').address}:{INBOUND_PORT}/mcp"
    with pytest.raises(httpx2.TransportError), httpx2.Client(verify=False, trust_env=False) as client:
        client.post(url)


def test_the_gateway_serves_exposed_paths_only(up: Running) -> None:
    """Requirement SEC-7: `expose: false` gives no route at the gateway."""
    statuses = [
        anyio.run(status, Endpoint(f"http://127.0.0.1:{up.gateway_port}{path}"), "POST")
        for path in ("/back/mcp", "/mcp", "/front/metrics")
    ]
    assert statuses == [404, 404, 404]


def test_calls_are_split_by_weight(up: Running) -> None:
    """Istio VirtualService, `weight`: 25 of 100 to the canary; 400 calls, four standard deviations either way."""
    counted = Counter(anyio.run(answers, from_front(up), 400))
    assert set(counted) == {"stable", "canary"}
    assert 65 <= counted["canary"] <= 135


def test_the_server_sees_its_peers_identity(up: Running) -> None:
    """Envoy, x-forwarded-client-cert: the sidecar appends the peer's URI to whatever the peer claims."""
    claim = {"x-forwarded-client-cert": "URI=spiffe://cluster.local/ns/mcp-system/sa/other"}
    with httpx2.Client(proxy=from_front(up).proxy, trust_env=False) as client:
        seen = client.get(f"{BACK_URL}/peer", headers=claim).text.split(",")[-1]
    assert "URI=spiffe://cluster.local/ns/mcp-system/sa/front" in seen


def test_a_second_run_of_the_same_stack_is_rejected(up: Running) -> None:
    """Requirement LOC-3: two runs would write to the same files."""
    with (
        pytest.raises(LocalRunError, match=r"the stack already runs here \(.*\); stop that run first$"),
        running(read_stack(local_stack.rendered()), free_port(), up.folders, lambda _: None),
    ):
        pass


def test_direct_calls_bypass_every_sidecar(up: Running) -> None:
    """Requirement LOC-5: the table compares with the bare process."""
    endpoint = direct(up.topology, named(up, "back"))
    assert endpoint is not None
    assert anyio.run(answers, endpoint, 1) == ["stable"]


def test_neither_a_dead_process_nor_a_dead_pod_affects_later_calls(tmp_path: Path) -> None:
    """Requirement LOC-6: `kill -9` loses only in-flight calls; VirtualService retries: connect-failure."""
    with started(tmp_path / "small", back_replicas=2) as up:
        os.kill(up.services.pids["back-0"], signal.SIGKILL)
        wait_for(up.services.ended, "the end of the process")
        assert not [answer for answer in anyio.run(answers, from_front(up), 120) if answer.startswith("failed")]
        os.kill(up.proxies.pids["Envoy of back-0"], signal.SIGKILL)
        assert not [answer for answer in anyio.run(answers, from_front(up), 60) if answer.startswith("failed")]
        assert re.match(r"back-0 ended with code -9: .+ \(log: .+back-0.log\)", up.services.ended()[0])
    assert local_stack.survivors(tmp_path) == []


def test_a_check_prints_the_table_stops_everything_and_exits_with_0(tmp_path: Path) -> None:
    """Requirement LOC-5: `--check` exits with 0 after calls, rejections and measurements."""
    out = io.StringIO()
    calls = [Call("front", "ask", {"url": BACK_URL})]
    code = run(
        local_stack.rendered(),
        gateway_port=free_port(),
        calls=calls,
        state_dir=tmp_path / "small",
        console=Console(file=out, width=80),
    )
    text = out.getvalue()
    assert code == 0, text
    assert re.search(r"│ back +│ +2 │ +2 │ +1 │ +[\d.]+ / [\d.]+ │ +[\d.]+ / [\d.]+ │", text)
    assert "rejected: 1 of 1 calls of unauthorized callers; plaintext by 3 of 3" in text
    assert re.search(r"connect a client to http://127\.0\.0\.1:\d+/front/mcp", text)
    assert local_stack.survivors(tmp_path) == []


def test_a_failing_call_exits_with_1_and_one_line_that_names_it(tmp_path: Path) -> None:
    """Requirement LOC-3: exit code 1, nothing left behind."""
    out = io.StringIO()
    code = run(
        local_stack.rendered(),
        gateway_port=free_port(),
        calls=[Call("front", "ask", {"url": "http://unknown:8000/mcp"})],
        state_dir=tmp_path / "small",
        console=Console(file=out, width=300),
    )
    (line,) = [line for line in out.getvalue().splitlines() if line.startswith("error ")]
    assert code == 1
    assert re.match(r"error MM0754: http://127\.0\.0\.1:\d+/front/mcp: tool ask returned an error: ", line)
    assert local_stack.survivors(tmp_path) == []


def test_a_service_that_fails_to_start_is_named_with_its_last_line_and_log(tmp_path: Path) -> None:
    """Requirement LOC-4: one line; and what had started is stopped."""
    objects = local_stack.rendered()
    for item in objects:
        if item["kind"] == "Deployment" and item["metadata"]["name"] == "front":
            item["spec"]["template"]["spec"]["containers"][0]["command"] = [
                "python",
                "-c",
                "raise SystemExit('no luck')",
            ]
    folders = RunFolders(tmp_path / "small", tmp_path / "secrets")
    with (
        pytest.raises(LocalRunError, match=r"front-0 ended with code 1: no luck \(log: .+/logs/front-0\.log\)$"),
        running(read_stack(objects), free_port(), folders, lambda _: None),
    ):
        pass
    assert local_stack.survivors(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_survives_the_end_of_the_run(tmp_path: Path, number: signal.Signals) -> None:
    """Requirement LOC-3: Ctrl-C, SIGTERM, and a kill of the run itself (Linux, prctl PR_SET_PDEATHSIG)."""
    objects, log = tmp_path / "objects.json", tmp_path / "log"
    objects.write_text(json.dumps(local_stack.rendered()))
    command = [sys.executable, "-c", LOCAL_RUN, str(objects), str(free_port()), str(tmp_path / "small")]
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            wait_for(lambda: b"Ctrl-C stops everything" in log.read_bytes(), f"a running stack ({log})")
            assert len(local_stack.survivors(tmp_path / "small")) >= 7
            process.send_signal(number)
            assert process.wait(WAIT_SECONDS) == (-number if number is signal.SIGKILL else 0)
        finally:
            process.kill()
    wait_for(lambda: local_stack.survivors(tmp_path / "small") == [], "the end of everything")
