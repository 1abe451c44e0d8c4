"""The command `meshed-mcp`: its output and exit codes."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from meshed_mcp.__main__ import main
from meshed_mcp.cli.local import parsed_call
from meshed_mcp.components.core.errors import ConfigurationError
from tests.stacks import ROOT

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process; exit code, standard output, standard error."""

    def command(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["meshed-mcp", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        output = capsys.readouterr()
        return int(ended.value.code or 0), output.out, output.err

    return command


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose program is this package's, with no stack yet."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    shutil.copy(ROOT / "infra" / "__main__.py", tmp_path)
    return tmp_path


def test_check_passes_and_reports_how_much_it_checked(run: Run) -> None:
    """Requirement CMP-14: `check --stack prod` passes."""
    code, out, err = run("check", "--stack", "prod", "--project", str(ROOT))
    assert (code, err) == (0, "")
    assert "stack prod: " in out
    assert "objects, no issues" in out


def test_errors_are_lines_on_stderr_and_exit_code_1(run: Run, project: Path) -> None:
    """Requirement CFG-3: all errors in one run, one line each, no traceback."""
    (project / "Pulumi.dev.yaml").write_text(
        "config:\n  meshed-mcp:services:\n    a: {image: x, scaling: {max_replica: 3}}\n    b: {}\n"
    )
    code, out, err = run("check", "--stack", "dev", "--project", str(project))
    assert (code, out) == (1, "")
    assert err.splitlines() == [
        "error MM0003: service a: scaling.max_replica: unknown field; did you mean max_replicas?",
        "error MM0300: service b: none is set; set exactly one of image, package and url",
    ]


def test_two_services_of_one_name_are_one_line(run: Run, project: Path) -> None:
    """Requirement CMP-10: two services of one name are rejected."""
    (project / "Pulumi.dev.yaml").write_text("config:\n  meshed-mcp:services:\n    a: {image: x}\n    a: {image: y}\n")
    code, _, err = run("check", "--stack", "dev", "--project", str(project))
    assert code == 1
    assert err == ("error MM0127: Pulumi.dev.yaml: a: is set twice, on lines 3 and 4; rename or remove one\n")


def test_render_is_deterministic_and_removes_stale_files(run: Run, tmp_path: Path) -> None:
    """Requirement CMP-4: byte-identical twice; a rendering leaves no file of an older one."""
    out = tmp_path / "rendered"
    assert run("render", "--stack", "dev", "--out", str(out), "--project", str(ROOT))[0] == 0
    first = {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    (out / ".rendered").write_text((out / ".rendered").read_text() + "mcp-system/old.service.yaml\n")
    (out / "mcp-system" / "old.service.yaml").write_text("left over")
    assert run("render", "--stack", "dev", "--out", str(out), "--project", str(ROOT))[0] == 0
    assert {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()} == first


def test_render_rejects_a_folder_with_other_files(run: Run, tmp_path: Path) -> None:
    """Requirement CLI-1: a file that a rendering did not write is never touched."""
    (tmp_path / "precious.txt").write_text("mine")
    code, _, err = run("render", "--stack", "dev", "--out", str(tmp_path), "--project", str(ROOT))
    assert code == 1
    assert "is not empty and holds no earlier rendering; use an empty or new folder" in err


def test_help_describes_every_command_for_newcomers(run: Run) -> None:
    """Requirement CLI-1: the help describes each command in one sentence."""
    code, out, _ = run("--help")
    assert code == 0
    for command in ("render", "check", "local"):
        assert command in out


@pytest.mark.parametrize("text", ["answer", "mcp-a/", "/answer", "mcp-a/answer=[1]", "mcp-a/answer={", ""])
def test_an_unreadable_call_is_reported_with_the_expected_form(text: str) -> None:
    """Requirement CFG-2: the error says what to set instead."""
    with pytest.raises(ConfigurationError, match=r"is not a call; use SERVICE/TOOL="):
        parsed_call(text)


def test_a_call_is_service_tool_and_arguments() -> None:
    """Requirement LOC-5: arguments may contain every character, `=` too."""
    assert parsed_call('mcp-a/ask={"q": "a=b"}') == ("mcp-a", "ask", {"q": "a=b"})
    assert parsed_call("mcp-a/ping") == ("mcp-a", "ping", {})


def test_top_without_a_run_prints_how_to_start_one(run: Run, tmp_path: Path) -> None:
    """Requirement CLI-1: one line, with the next step."""
    code, _, err = run("local", "top", "--project", str(tmp_path))
    assert code == 1
    assert err.splitlines() == [
        (
            "error MM0862: stack dev: no local run of it is monitored; start one with "
            "meshed-mcp local, or set --prometheus URL"
        )
    ]
