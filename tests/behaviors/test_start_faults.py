"""Invalid settings that only the application detects end its process with one line."""

from pathlib import Path

import pytest

from tests.behaviors.replicas import StartService

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("module", ["services.rag", "services.organization", "registry"])
async def test_an_unreachable_database_ends_the_start_with_one_line(
    start_service: StartService, tmp_path: Path, module: str
) -> None:
    """Requirement CFG-11: an environment error has neither a traceback nor a password."""
    script = tmp_path / f"{module}.py"
    script.write_text(f"import runpy\nrunpy.run_module('meshed_mcp.agents.{module}', run_name='__main__')\n")
    service = start_service(script, ready=False, MESHED_MCP_DATABASE_URL="postgresql://meshed:secret@127.0.0.1:1/x")
    assert await service.exit_code(within_seconds=60) == 1
    said = service.log.read_text()
    assert "Traceback" not in said
    assert "secret" not in said
    faults = [line for line in said.splitlines() if "cannot be used" in line]
    assert faults == said.splitlines()[-1:]
    assert "the database postgresql://meshed:***@127.0.0.1:1/x cannot be used: " in faults[0]
    assert "check MESHED_MCP_DATABASE_URL and MESHED_MCP_DATA_DIR" in faults[0]
    assert sum('"ERROR"' in line for line in said.splitlines()) <= 1
