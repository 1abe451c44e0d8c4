"""Changes of a local stack under load of both protocol eras: no call is lost or duplicated."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

import httpx2
import pytest

from bench import stacks
from bench.steady import Rates, Steady, executions, steady, verdict
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.process.changes import drain, kill, remove_endpoints, replicas_of, roll_out, scale
from meshed_mcp.local.process.container import RunFolders
from meshed_mcp.local.process.stack_runner import Running, running
from meshed_mcp.local.translate.endpoints import gateway_url
from meshed_mcp.local.translate.stack import read_stack
from meshed_mcp.local.translate.topology import ADMIN_PORT
from tests.engines.processes import free_port
from tests.engines.waiting import wait_for

RATES = Rates(modern=15, legacy=10, sessions=6, work_milliseconds=30)
MORE_CALLS = 40
"""Calls between two changes: every replica gets some."""


@pytest.fixture
def counts(tmp_path: Path) -> Path:
    """Where the replicas note their executions."""
    folder = tmp_path / "counts"
    folder.mkdir()
    return folder


@pytest.fixture
def up(tmp_path: Path, counts: Path) -> Iterator[Running]:
    """Two replicas of one version."""
    stack = read_stack(stacks.counted(counts, replicas=2))
    with running(stack, free_port(), RunFolders(tmp_path / "run", tmp_path / "secrets"), lambda _: None) as found:
        yield found


def under_load(up: Running, counts: Path, *changes: Callable[[], object]) -> Steady:
    """Make the changes one after the other while calls come in, and some between; nothing may be lost or doubled."""
    (service,) = up.topology.stack.services
    url = gateway_url(up, service)
    assert url is not None
    with steady(Steady(url, RATES)) as load:
        for change in changes:
            more(load)
            change()
        more(load)
    found = verdict(load.calls, executions(counts))
    lost = [call for call in load.calls if call.failure]
    assert found == {"calls": len(load.calls), "lost": 0, "doubled": 0, "answered_unexecuted": 0}, lost[:3]
    return load


def more(load: Steady) -> None:
    """Wait for some more calls to have ended."""
    wanted = len(load.calls) + MORE_CALLS
    wait_for(lambda: len(load.calls) >= wanted, "answers")


def refused_connections(proxy: str) -> int:
    """How many connections the Envoy at that address could not open so far."""
    text = httpx2.get(f"http://{proxy}:{ADMIN_PORT}/stats?filter=upstream_cx_connect_fail$").text
    return sum(int(line.rpartition(": ")[2]) for line in text.splitlines() if line)


def noticed(proxy: str, change: Callable[[], object]) -> float:
    """Time when the Envoy at that address sees that `change` ended the process.

    Until then it may write a request to a connection whose end it has not read yet. The test cannot distinguish such a
    request from one that the process had started, so it counts as in flight.
    """
    before = refused_connections(proxy)
    change()
    wait_for(lambda: refused_connections(proxy) > before, "a refused connection")
    return perf_counter()


def places(load: Steady) -> set[tuple[str, str]]:
    """Version and replica of all answers."""
    return {
        (version, replica) for _, version, replica in (call.answer.split() for call in load.calls if not call.failure)
    }


def test_scaling_out_and_in_under_load_loses_nothing(up: Running, counts: Path) -> None:
    """Requirement LOC-6: steady load of both revisions. Kubernetes, "Pod Lifecycle", termination of Pods."""
    load = under_load(up, counts, lambda: scale(up, "counted", 3), lambda: scale(up, "counted", 1))
    assert [pod.name for pod in replicas_of(up, "counted")] == ["counted-0"]
    assert len(places(load)) == 3
    assert up.services.pids.keys() == {"counted-0"}
    assert up.proxies.pids.keys() == {"Envoy of counted-0", "Envoy of gateway"}


def test_a_rolling_update_and_a_canary_step_under_load_lose_nothing(up: Running, counts: Path) -> None:
    """Requirement LOC-6. Kubernetes, "Deployments", rolling update with maxUnavailable 0."""

    def to(**more: object) -> Callable[[], None]:
        return lambda: roll_out(up, read_stack(stacks.counted(counts, **more)))  # type: ignore[arg-type]

    load = under_load(
        up,
        counts,
        to(replicas=2, version="2"),
        to(replicas=2, version="2", canary=40),
        to(replicas=1, version="2"),
    )
    assert {version for version, _ in places(load)} == {"1", "2", "canary"}
    assert [pod.deployment.name for pod in up.topology.pods] == ["counted"]
    assert up.services.pids.keys() == {pod.name for pod in up.topology.pods}


def test_a_replica_whose_machine_dies_loses_only_its_calls(up: Running, counts: Path) -> None:
    """Requirement LOC-6: `kill -9`; VirtualService retries: connect-failure, so no later call is affected."""
    (service,) = up.topology.stack.services
    url = gateway_url(up, service)
    assert url is not None
    with steady(Steady(url, RATES)) as load:
        more(load)
        victim = replicas_of(up, "counted")[0]
        dead = noticed(f"127.{up.configurations.block}.0.2", lambda: kill(up, victim))
        more(load)
        remove_endpoints(up, [victim])
        more(load)
    found = verdict(load.calls, executions(counts))
    later = [call for call in load.calls if call.failure and call.at > dead]
    assert (found["doubled"], later) == (0, [])
    assert len(places(load)) == 2


def test_a_replica_whose_process_dies_loses_only_its_calls(up: Running, counts: Path) -> None:
    """Requirement LOC-6: `kill -9` while the sidecar lives, as when memory runs out; Envoy, "Response flags", UF.

    No endpoint update follows: only the header that the destination's sidecar sets protects later calls.
    """
    (service,) = up.topology.stack.services
    url = gateway_url(up, service)
    assert url is not None
    with steady(Steady(url, RATES)) as load:
        more(load)
        victim = replicas_of(up, "counted")[0]
        dead = noticed(victim.address, lambda: up.services.kill(victim.name))
        more(load)
        more(load)
    found = verdict(load.calls, executions(counts))
    later = [call for call in load.calls if call.failure and call.at > dead]
    assert (found["doubled"], later) == (0, [])
    assert len(places(load)) == 2


def test_a_drained_replica_exits_before_its_sidecar(up: Running) -> None:
    """Requirement RUN-1: a replica that is drained exits with 0, and its sidecar after it."""
    codes = drain(up, replicas_of(up, "counted")[1:])
    assert codes == {"counted-1": 0}
    for pid in up.services.pids.values():
        os.kill(pid, 0)  # raises ProcessLookupError for a process that is gone


def test_an_unknown_deployment_is_rejected_by_name(up: Running) -> None:
    """Requirement CFG-8: the error names the known Deployments."""
    with pytest.raises(LocalRunError, match=r"Deployment counter is not in the stack; use one of counted$"):
        scale(up, "counter", 2)
