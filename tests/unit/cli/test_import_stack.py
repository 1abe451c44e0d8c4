"""`meshed-mcp import`: output, files, options and the commands that it prints."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from meshed_mcp.__main__ import app
from meshed_mcp.components.core.errors import ConfigurationError
from tests.stacks import ROOT

SERVERS = {
    "time": {"command": "uvx", "args": ["mcp-server-time==2026.1.1"]},
    "search": {"command": "npx", "args": ["-y", "@example/search@1.4.2"], "env": {"SEARCH_TOKEN": "hunter2"}},
    "notes": {"command": "node", "args": ["notes.js"]},
}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A client's file, in the current folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mcp.json"
    path.write_text(json.dumps({"mcpServers": SERVERS}))
    return path


def run(*arguments: Any, text: str | None = None) -> Result:
    """The result of the command."""
    return CliRunner().invoke(app, ["import", *map(str, arguments)], input=text)


def refused(*arguments: Any) -> str:
    """The code of the refusal."""
    error = run(*arguments).exception
    assert isinstance(error, ConfigurationError)
    return error.issues[0].code


def test_the_stack_file_is_on_standard_output_and_all_else_on_standard_error(file: Path) -> None:
    """Requirement CLI-1: the output can be redirected to a file."""
    result = run(file)
    assert result.exit_code == 0
    assert list(yaml.safe_load(result.stdout)["config"]["meshed-mcp:services"]) == ["time", "search"]
    assert "note MM0897: mcp.json:1: mcpServers.notes: the server is left out" in result.stderr


def test_the_commands_for_secrets_and_the_next_step_are_printed(file: Path) -> None:
    """Requirement IMP-3: the command reads the value from a variable of the shell."""
    lines = run(file, "--stack", "dev").stderr.splitlines()
    option = '--from-literal=SEARCH_TOKEN="${SEARCH_TOKEN:?}"'
    assert lines[-3:] == [
        f"kubectl create secret generic search-credentials --namespace mcp-system {option}",
        "2 servers in Pulumi.dev.yaml",
        "next: set what 2 of its first lines name; then meshed-mcp check --stack dev",
    ]


def test_a_file_is_created_and_never_replaced(file: Path) -> None:
    """Requirement IMP-5: a stack file that exists stays as it is."""
    assert run(file, "--stack", "dev").exit_code == 0
    created = Path("Pulumi.dev.yaml").read_text()
    assert refused(file, "--stack", "dev") == "MM0895"
    assert Path("Pulumi.dev.yaml").read_text() == created
    assert run(file, "--output", "other.yaml").exit_code == 0
    assert Path("other.yaml").read_text() == created


def test_a_file_that_cannot_be_created_is_one_line(file: Path) -> None:
    """Requirement CFG-4: no option ends in a traceback."""
    assert refused(file, "--output", "absent/folder.yaml") == "MM0854"
    assert refused(file, "--output", "a.yaml", "--stack", "dev") == "MM0894"
    assert refused("absent.json") == "MM0890"


def test_a_file_without_a_server_that_can_run_creates_nothing(file: Path) -> None:
    """Requirement IMP-5: there is no stack without services."""
    file.write_text(json.dumps({"mcpServers": {"notes": SERVERS["notes"]}}))
    assert refused(file, "--stack", "dev") == "MM0893"
    assert not Path("Pulumi.dev.yaml").exists()


def test_standard_input_is_read(file: Path) -> None:
    """POSIX, "Utility Syntax Guidelines", guideline 13: `-` is standard input."""
    result = run("-", text=file.read_text())
    assert "time" in yaml.safe_load(result.stdout)["config"]["meshed-mcp:services"]
    assert "note MM0897: stdin:1: mcpServers.notes" in result.stderr


PAGE = (ROOT / "docs" / "how-to" / "import.md").read_text("utf-8")


def test_the_page_shows_what_the_command_writes(file: Path) -> None:
    """Requirement PRJ-2: the example of the how-to gives the shown stack file and lines."""
    blocks = dict(re.findall(r"```(json|yaml)\n(.*?)```", PAGE, re.DOTALL))
    file.write_text(blocks["json"])
    result = run(file, "--stack", "dev")
    assert Path("Pulumi.dev.yaml").read_text() == blocks["yaml"]
    shown = [line for block in re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
    assert len(shown) == 8
    assert [line for line in shown if line not in result.stderr.splitlines()] == []
