"""The official MCP conformance suite on every setup of `make conformance`."""

import importlib
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

from meshed_mcp import contract

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "engines" / "conformance"
SECONDS: Final = 900


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`suite.py` of the command."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("suite")


@pytest.mark.timeout(SECONDS)
@pytest.mark.engine("mcp-conformance", "redis-server")
def test_every_required_check_passes_in_every_setup(module: ModuleType) -> None:
    """MCP, "SDK Tiers", conformance testing: tier 1 is 100 % of the required checks; here of both revisions."""
    done = subprocess.run(
        [sys.executable, str(FOLDER / "run.py")], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    found = dict(re.findall(r"^([\w-]+ [\d-]+): (\d+/\d+) required checks passed$", done.stdout, re.MULTILINE))
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(found) == {
        f"{where} {revision}"
        for where in ("direct", "stored", "bridge", "stdio-bridge", "mesh")
        for revision in (module.OLD, module.NEW)
    }
    assert all(len(set(counts.split("/"))) == 1 for counts in found.values())


@pytest.mark.engine("mcp-conformance")
def test_the_suite_fails_a_server_with_a_gap(module: ModuleType, tmp_path: Path) -> None:
    """Negative control: without sessions an old client gets no server-initiated requests, and the suite reports it."""
    setups = importlib.import_module("setups")
    with setups.direct(contract.Legacy.STATELESS, tmp_path / "server") as url:
        verdict = module.judge(url, module.OLD, tmp_path / "results")
    assert not verdict.conforms
    assert 0 < verdict.passed < verdict.required
    assert {fault.partition(":")[0] for fault in verdict.faults} >= {"tools-call-sampling", "tools-call-elicitation"}


def test_a_scenario_without_a_result_is_an_error(module: ModuleType, tmp_path: Path) -> None:
    """Requirement PRJ-5: a scenario without a verdict has not passed."""
    verdict = module.verdict(tmp_path, ["ping"], 0)
    assert (verdict.passed, verdict.required, verdict.faults) == (0, 1, ("ping: no result",))
    assert not verdict.conforms


def test_an_unknown_setup_is_rejected_with_the_known_ones() -> None:
    """Requirement CFG-8: the error names the known setups."""
    done = subprocess.run(
        [sys.executable, str(FOLDER / "run.py"), "sideways"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("unknown setup 'sideways'; use one of: 'direct 2025-11-25', ")
