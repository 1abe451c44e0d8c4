"""The dev stack behind real Envoys, as in the README."""

from io import StringIO
from pathlib import Path

from rich.console import Console

from meshed_mcp.infra.recording import record
from meshed_mcp.local.command import Call, run
from tests.engines.processes import free_port
from tests.stacks import ROOT


def test_the_dev_stack_starts_serves_allowed_calls_and_rejects_others(tmp_path: Path) -> None:
    """README, "Two commands": a call through the gateway to a service that calls another; others get 403."""
    said = StringIO()
    call = Call("mcp-controller", "answer", {"question": "Is anybody there?"})
    status = run(
        record(ROOT, "dev").objects,
        gateway_port=free_port(),
        calls=[call],
        state_dir=tmp_path / "dev",
        console=Console(file=said, width=200),
    )
    assert status == 0, said.getvalue()
    assert "rejected: 23 of 23 calls" in said.getvalue()
