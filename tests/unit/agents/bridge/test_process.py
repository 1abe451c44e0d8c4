"""Stdio servers as child processes, hostile ones above all: errors for the caller, metrics, bounded logs, no leaks."""

import json
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import MCPError
from mcp_types import TextContent
from prometheus_client import CollectorRegistry

from meshed_mcp import contract
from meshed_mcp.agents.bridge import pool as pool_module
from meshed_mcp.agents.bridge import process as process_module
from meshed_mcp.agents.bridge import upstream as upstream_module
from meshed_mcp.agents.bridge.catalog import Catalog, discover_upstream
from meshed_mcp.agents.bridge.errors import UpstreamError
from meshed_mcp.agents.bridge.metrics import BridgeMetrics
from meshed_mcp.agents.bridge.process import ProcessConnector, child_environment
from meshed_mcp.agents.process.supervision import Backoff
from tests.unit.agents.bridge.conftest import Bridge

pytestmark = pytest.mark.anyio
HOSTILE = Path(__file__).with_name("hostile_server.py")
ERROR_MEBIBYTES = 100


def command(*ways: str) -> tuple[str, ...]:
    """Command of the hostile server."""
    return (sys.executable, "-S", str(HOSTILE), *ways)


async def call(bridge: Bridge, tool: str, mode: str = "auto") -> str:
    """Call a tool of the hostile server by a client of its own. Raises MCPError outside of the client's task group."""
    failure: MCPError | None = None
    async with bridge.client(mode) as (client, _):
        try:
            result = await client.call_tool(tool, {})
        except MCPError as error:
            failure = error
    if failure is not None:
        raise failure
    assert isinstance(result.content[0], TextContent)
    return result.content[0].text


async def until(condition: Callable[[], bool], within_seconds: float = 15) -> None:
    """Wait until the condition holds."""
    with anyio.fail_after(within_seconds):
        while not condition():  # noqa: ASYNC110 - another process's end
            await anyio.sleep(0.02)


def group_lives(pid: int) -> bool:
    """Whether a process of the group is left."""
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    return True


def living(pid: int) -> set[int]:
    """Processes of a group that are not zombies."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, _, group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
            except OSError:
                continue
            if int(group) == pid and state != "Z":
                found.add(int(entry.name))
    return found


async def test_noise_on_standard_output_is_counted_and_ignored(start_bridge: Any) -> None:
    """Requirement BRG-5: a line that is no JSON-RPC message never ends a call."""
    bridge = await start_bridge(upstream_command=command("noise"))
    assert int(await call(bridge, "pid")) > 0
    assert bridge.sample(contract.METRIC_UPSTREAM_NOISE, reason="not_json_rpc") >= 6


async def test_a_line_beyond_the_limit_is_dropped(start_bridge: Any) -> None:
    """Requirement BRG-5: a line of 20 MB takes no memory for ever; the call goes on."""
    bridge = await start_bridge(upstream_command=command())
    assert await call(bridge, "long") == "long"
    assert bridge.sample(contract.METRIC_UPSTREAM_NOISE, reason="too_long") == 1


async def test_a_call_without_an_answer_ends_at_its_deadline(start_bridge: Any) -> None:
    """Requirement BRG-4: the caller gets the error of the deadline."""
    bridge = await start_bridge(upstream_command=command(), call_seconds=1)
    with pytest.raises(MCPError, match=r"took longer than 1 s"):
        await call(bridge, "hang")


async def test_a_handshake_without_an_answer_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement BRG-4: a process that never answers is ended, and the error says so."""
    monkeypatch.setattr(upstream_module, "OPEN_SECONDS", 0.5)
    connector = ProcessConnector(("sleep", "300"), os.environ, BridgeMetrics(CollectorRegistry()))
    with pytest.raises(UpstreamError, match=r"did not complete the handshake within 0\.5 s"):
        await discover_upstream(connector, Catalog(), with_legacy=True)


async def test_a_process_that_exits_at_once_is_an_error_with_its_code() -> None:
    """Requirement BRG-4: the exit code is in the error."""
    connector = ProcessConnector(command("exit"), os.environ, BridgeMetrics(CollectorRegistry()))
    with pytest.raises(UpstreamError, match=r"exited with code 7 before it completed the handshake"):
        await discover_upstream(connector, Catalog(), with_legacy=True)


async def test_a_command_that_does_not_exist_is_an_error() -> None:
    """Requirement BRG-4: the program is in the error."""
    registry = CollectorRegistry()
    connector = ProcessConnector(("/no/such/program",), {}, BridgeMetrics(registry))
    with pytest.raises(UpstreamError, match=r"/no/such/program cannot be started: No such file or directory"):
        await discover_upstream(connector, Catalog(), with_legacy=True)
    assert registry.get_sample_value(contract.METRIC_UPSTREAM_EXITS, {"reason": "not_started"}) == 2


async def test_an_exit_during_a_call_is_an_error_and_the_next_call_restarts(start_bridge: Any) -> None:
    """Requirement BRG-4: the first restart is immediate."""
    bridge = await start_bridge(upstream_command=command())
    with pytest.raises(MCPError, match=r"exited with code 3 during the call"):
        await call(bridge, "die")
    assert int(await call(bridge, "pid")) > 0
    assert bridge.sample(contract.METRIC_UPSTREAM_ERRORS, reason="ended") == 1
    await until(lambda: bridge.sample(contract.METRIC_UPSTREAM_EXITS, reason="failed") == 1)


async def test_repeated_exits_delay_the_next_start(start_bridge: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement BRG-4: a crash loop costs a process per back-off, not per call."""
    monkeypatch.setattr(pool_module, "BACKOFF", Backoff(first_seconds=60, last_seconds=60, jitter=lambda: 1.0))
    bridge = await start_bridge(upstream_command=command())
    for _ in range(2):
        with pytest.raises(MCPError, match="exited with code 3"):
            await call(bridge, "die")
    with pytest.raises(MCPError, match=r"ended 2 times soon after its start; it starts again in \d+\.\d s"):
        await call(bridge, "pid")


async def test_the_whole_process_group_ends(start_bridge: Any) -> None:
    """Requirement BRG-6: descendants of a session's process end with it."""
    bridge = await start_bridge(upstream_command=command("fork"), legacy="sticky")
    async with bridge.client("legacy") as (client, _):
        result = await client.call_tool("pid", {})
        pid = int(result.content[0].text)
        assert len(living(pid)) == 2
    await until(lambda: not living(pid))


async def test_a_process_that_ignores_sigterm_is_killed(start_bridge: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement BRG-6: SIGKILL follows SIGTERM."""
    monkeypatch.setattr(process_module, "TERM_SECONDS", 0.3)
    bridge = await start_bridge(upstream_command=command("ignore"), legacy="sticky")
    pid = int(await call(bridge, "pid", "legacy"))
    await until(lambda: not living(pid))
    await until(lambda: bridge.sample(contract.METRIC_UPSTREAM_EXITS, reason="killed") >= 1)


async def test_standard_error_is_logged_within_bounds(start_bridge: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Requirement BRG-7: 100 MB of standard error are read and almost all dropped; lines name the session."""
    bridge = await start_bridge(upstream_command=command(), legacy="sticky", call_seconds=20)
    with caplog.at_level(logging.INFO, logger="mcp_upstream"):
        assert await call(bridge, "scream", "legacy") == "screamed"
    lines = [record for record in caplog.records if record.name == "mcp_upstream"]
    assert 0 < len(lines) < 500
    assert max(len(record.getMessage()) for record in lines) <= 2000
    assert all(len(record.__dict__["fields"]["session"]) == 32 for record in lines)
    counted = [bridge.sample(contract.METRIC_UPSTREAM_LOG_LINES, outcome=outcome) for outcome in ("written", "dropped")]
    assert counted[0] == len(lines)
    assert sum(counted) == 1000


async def test_only_allowed_variables_reach_a_process(start_bridge: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement BRG-8: secrets of the bridge do not reach the server."""
    monkeypatch.setenv("ALLOWED", "yes")
    monkeypatch.setenv("SECRET", "no")
    bridge = await start_bridge(upstream_command=command(), upstream_environment="ALLOWED,UNSET")
    found = json.loads(await call(bridge, "env"))
    assert found.keys() - {"LC_CTYPE"} <= {"PATH", "HOME", "TMPDIR", "ALLOWED"}
    assert found["ALLOWED"] == "yes"
    assert child_environment((), {"PATH": "/bin", "SECRET": "no"}) == {"PATH": "/bin"}


async def test_the_number_of_processes_is_bounded(start_bridge: Any) -> None:
    """Requirement BRG-9: a session beyond the maximum gets an error, and the others go on."""
    bridge = await start_bridge(upstream_command=command(), upstream_max_processes=1, legacy="sticky")
    async with bridge.client("legacy") as (first, _):
        await first.call_tool("pid", {})
        with pytest.raises(MCPError, match=r"maximum of 1 processes\..*`stdio\.max`"):
            await call(bridge, "pid", "legacy")
        await first.call_tool("pid", {})
    assert bridge.sample(contract.METRIC_UPSTREAM_REJECTED) >= 1
    await until(lambda: bridge.sample(contract.METRIC_UPSTREAM_PROCESSES) == 0)
    assert int(await call(bridge, "pid", "legacy")) > 0


async def test_an_idle_process_makes_room(start_bridge: Any) -> None:
    """Requirement BRG-9: a process of callers without a session gives way to a session."""
    bridge = await start_bridge(upstream_command=command(), upstream_max_processes=1, legacy="sticky")
    idle = int(await call(bridge, "pid"))
    assert int(await call(bridge, "pid", "legacy")) != idle
    assert not living(idle)


async def test_callers_without_a_session_share_a_process_until_it_is_idle(start_bridge: Any) -> None:
    """Requirement BRG-10: one process per verified identity, ended after the idle time of a session."""
    bridge = await start_bridge(upstream_command=command(), session_idle_seconds=1)
    pids = {await call(bridge, "pid") for _ in range(3)}
    assert len(pids) == 1
    await until(lambda: not living(int(pids.pop())) if pids else True)
    await until(lambda: bridge.sample(contract.METRIC_UPSTREAM_PROCESSES) == 0)


async def test_a_shared_process_serves_all_callers(start_bridge: Any) -> None:
    """Requirement BRG-10: `shared` is one process for sessions and others."""
    bridge = await start_bridge(upstream_command=command(), upstream_process="shared", legacy="sticky")
    assert len({await call(bridge, "pid", mode) for mode in ("auto", "legacy", "auto", "legacy")}) == 1
    assert bridge.sample(contract.METRIC_UPSTREAM_PROCESSES) == 1


async def test_sessions_leave_no_process(start_bridge: Any) -> None:
    """Requirement BRG-6: as many exits as starts once all sessions have ended."""
    bridge = await start_bridge(upstream_command=command("fork"), legacy="sticky")
    pids: list[int] = []

    async def one() -> None:
        pids.append(int(await call(bridge, "pid", "legacy")))

    for _ in range(4):
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(one)
    assert len(set(pids)) == 20
    await until(lambda: bridge.sample(contract.METRIC_UPSTREAM_PROCESSES) == 0)
    assert not [pid for pid in pids if living(pid)]
    exits = sum(
        bridge.sample(contract.METRIC_UPSTREAM_EXITS, reason=reason)
        for reason in ("closed", "killed", "exited", "failed", "signaled", "disconnected")
    )
    assert exits == bridge.sample(contract.METRIC_UPSTREAM_STARTS) == 22


async def test_a_session_that_has_ended_gets_no_process(start_bridge: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement BRG-6: a call that outlives its session, because it waited for a process, starts none."""
    bridge = await start_bridge(upstream_command=command(), legacy="sticky")
    monkeypatch.setattr(bridge.service.proxy, "is_open", lambda _: False)
    with pytest.raises(MCPError, match="The session has ended"):
        await call(bridge, "pid", "legacy")
    await until(lambda: bridge.service.proxy.pool.size == 0)
