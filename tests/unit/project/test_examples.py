"""The examples record, pass `check`, and have at most as many lines as the README states."""

import subprocess
from pathlib import Path

import pytest
import yaml

from meshed_mcp.infra.checks import check
from meshed_mcp.infra.recording import record
from tests.stacks import ROOT

EXAMPLES = [
    pytest.param(path.parent, path.name.split(".")[1], id=f"{path.parent.name}-{path.name.split('.')[1]}")
    for path in sorted((ROOT / "examples").glob("*/Pulumi.*.yaml"))
]


@pytest.mark.parametrize(("folder", "stack"), EXAMPLES)
def test_an_example_records_and_passes_the_check(folder: Path, stack: str) -> None:
    """Requirement PRJ-2: examples are programs that work."""
    recorded = record(folder, stack)
    assert recorded.objects
    assert check(recorded).issues == []


def test_the_imported_component_takes_outputs_and_names_its_callers() -> None:
    """Requirement CMP-5: a second program uses MeshedMCPService."""
    recorded = record(ROOT / "examples" / "import-from-python", "dev")
    (deployment,) = [item for item in recorded.objects if item["kind"] == "Deployment"]
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.example.com/mcp-search:1.0"
    (policy,) = [item for item in recorded.objects if item["kind"] == "AuthorizationPolicy"]
    assert policy["spec"]["rules"][0]["from"][0]["source"]["principals"] == ["cluster.local/ns/frontend/sa/chat"]
    assert recorded.stack_outputs["url"] == "http://mcp-search.tools.svc.cluster.local:8000/mcp"


def test_a_user_writes_at_most_15_lines() -> None:
    """Requirement RUN-14: function and configuration together; the lines of the real files are counted."""
    counted = subprocess.run(["make", "--silent", "lines"], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S607 - make of the PATH
    assert counted.returncode == 0, counted.stdout + counted.stderr
    assert int(counted.stdout.split()[-2]) <= 15


@pytest.mark.parametrize(
    "file", sorted((ROOT / "examples" / "any-server").glob("Pulumi.*.yaml")), ids=lambda file: file.stem
)
def test_an_existing_server_takes_at_most_7_lines(file: Path) -> None:
    """Requirement LRN-1: what a user writes for a server that exists, below its name."""
    config = yaml.safe_load(file.read_text("utf-8"))["config"]
    (settings,) = config["meshed-mcp:services"].values()
    assert len(settings) <= 7
    assert len(config) <= 2
