"""The metrics of a process, checked by Prometheus' own linter."""

from collections.abc import Callable
from pathlib import Path

import anyio
import httpx
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from meshed_mcp import contract
from tests.behaviors.replicas import StartService

pytestmark = [pytest.mark.anyio, pytest.mark.engine("promtool")]


async def test_the_metrics_of_a_service_under_load_pass_the_linter(
    start_service: StartService, find_engine: Callable[[str], Path]
) -> None:
    """Prometheus, `promtool check metrics`: names, units, types and help texts follow the conventions."""
    service = start_service()
    async with Client(service.url) as client, client.listen(tools_list_changed=True):
        await client.call_tool("echo", {"text": "a"})
        with pytest.raises(MCPError):
            await client.call_tool("not-there", {})
        async with httpx.AsyncClient(trust_env=False) as http:
            await http.get(f"http://127.0.0.1:{service.port}/nowhere", headers={"Host": "attacker.example"})
        text = service.management(contract.METRICS_PATH).text
    command: list[str | Path] = [find_engine("promtool"), "check", "metrics"]
    done = await anyio.run_process(command, input=text.encode(), check=False)
    assert (done.returncode, done.stderr, done.stdout) == (0, b"", b"")
