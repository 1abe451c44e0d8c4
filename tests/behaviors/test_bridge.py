"""The bridge as a process: start errors, drain, and no process left behind."""

import json
import signal
import sys
from pathlib import Path

import anyio
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import TextContent

from meshed_mcp import contract
from tests.behaviors.replicas import StartService, eventually
from tests.unit.agents.bridge.test_process import living

pytestmark = pytest.mark.anyio
BRIDGE = Path(__file__).parents[1] / "engines" / "bridge_service.py"
HOSTILE = Path(__file__).parents[1] / "unit" / "agents" / "bridge" / "hostile_server.py"


def command(*ways: str) -> str:
    """Variable with the command of the hostile server."""
    return json.dumps([sys.executable, "-S", str(HOSTILE), *ways])


async def test_two_upstreams_end_the_start_with_one_line(start_service: StartService) -> None:
    """Requirement BRG-13: one coded line, exit code 1."""
    both = {contract.ENV_UPSTREAM_COMMAND: command(), contract.ENV_UPSTREAM_URL: "http://127.0.0.1:1/mcp"}
    service = start_service(BRIDGE, ready=False, **both)
    assert await service.exit_code(within_seconds=20) == 1
    assert service.log.read_text().strip().startswith("MM0520: the bridge has 2 upstreams; set exactly one of")


async def test_a_process_that_exits_at_once_keeps_the_replica_unready(start_service: StartService) -> None:
    """Requirement BRG-12: not ready, alive, and the log has the exit code."""
    service = start_service(BRIDGE, ready=False, **{contract.ENV_UPSTREAM_COMMAND: command("exit")})
    await eventually(
        lambda: "exited with code 7 before it completed the handshake" in service.log.read_text(), within_seconds=30
    )
    assert service.management(contract.LIVENESS_PATH).status_code == 200
    assert not service.ready()


@pytest.mark.parametrize("ways", [("fork",), ("ignore",)])
async def test_a_stop_ends_all_processes(start_service: StartService, ways: tuple[str, ...]) -> None:
    """Requirement BRG-6: a stop within the grace period, exit code 0, with processes that ignore SIGTERM too."""
    variables = {contract.ENV_UPSTREAM_COMMAND: command(*ways), contract.ENV_LEGACY: contract.Legacy.STICKY}
    service = start_service(BRIDGE, **variables)
    async with Client(streamable_http_client(service.url), mode="legacy") as client:
        result = await client.call_tool("pid", {})
        assert isinstance(result.content[0], TextContent)
        pid = int(result.content[0].text)
        service.signal(signal.SIGTERM)
        with anyio.CancelScope(shield=True):
            assert await service.exit_code(within_seconds=20) == 0
    await eventually(lambda: not living(pid))
