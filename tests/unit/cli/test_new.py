"""`meshed-mcp new`: the generated service runs, its test passes and the stack passes the check."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from meshed_mcp.__main__ import app
from meshed_mcp.cli import new
from meshed_mcp.components.core.errors import ConfigurationError
from tests.stacks import ROOT

NAME = "mcp-poems"
MODULE = "mcp_poems"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A new project."""
    folder = tmp_path / "sub" / NAME
    new.write(NAME, folder)
    return folder


def run(project: Path, *command: str) -> str:
    """Output of a command in the project, which must succeed."""
    arguments = [sys.executable, "-m", *command]
    ran = subprocess.run(arguments, cwd=project, capture_output=True, text=True, check=False, timeout=110)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def refusal(name: str, folder: Path) -> list[str]:
    """The lines of a refusal."""
    with pytest.raises(ConfigurationError) as raised:
        new.write(name, folder)
    return [str(issue) for issue in raised.value.issues]


@pytest.mark.slow
def test_the_generated_test_passes_on_the_generated_service(project: Path) -> None:
    """Requirement RUN-14: the generated test needs the runtime's packages and nothing else."""
    assert "Ran 1 test in " in run(project, "unittest")


@pytest.mark.slow
def test_the_generated_stack_passes_the_check(project: Path) -> None:
    """Requirement PRJ-2: the product accepts the stack that it generates."""
    assert "no issues" in run(project, "meshed_mcp", "check", "--stack", "dev")


def test_the_service_is_eight_lines(project: Path) -> None:
    """Requirement RUN-14: the smallest service; blank lines not counted."""
    assert len((project / f"{MODULE}.py").read_text().split("\n\n")) == 4
    assert sum(bool(line.strip()) for line in (project / f"{MODULE}.py").read_text().splitlines()) == 8


def test_the_image_and_the_stack_start_the_same_file(project: Path) -> None:
    """Requirement CFG-5: image and stack have the same command."""
    assert f'CMD ["python", "{MODULE}.py"]' in (project / "Dockerfile").read_text()
    assert f"command: [python, {MODULE}.py]" in (project / "Pulumi.dev.yaml").read_text()


def test_the_image_builds_on_a_public_image_and_the_released_runtime(project: Path) -> None:
    """Requirement PRJ-4: a generated file works unchanged; its base is that of the project's own Dockerfile."""
    lines = (project / "Dockerfile").read_text().splitlines()
    assert lines[:2] == ["ARG PYTHON_IMAGE=python:3.11-slim", "FROM ${PYTHON_IMAGE}"]
    assert lines[0] in (ROOT / "Dockerfile").read_text().splitlines()
    assert f'RUN pip install --no-cache-dir "meshed-mcp[runtime]=={version("meshed-mcp")}"' in lines
    (user,) = [line for line in lines if line.startswith("USER ")]
    assert user in (ROOT / "Dockerfile").read_text().splitlines()


def test_the_page_about_images_shows_the_generated_dockerfile(tmp_path: Path) -> None:
    """Requirement PRJ-2: what a page shows is what a user gets."""
    new.write("mcp-search", tmp_path / "search")
    page = (ROOT / "docs" / "how-to" / "image.md").read_text("utf-8")
    assert f"```text\n{(tmp_path / 'search' / 'Dockerfile').read_text()}```\n" in page


def test_the_image_contains_the_service_only(project: Path) -> None:
    """Docker, "dockerignore": the last line that matches decides. No key of a local run gets into a layer."""
    assert (project / ".dockerignore").read_text().splitlines()[1:] == ["*", f"!{MODULE}.py"]
    copied = [line for line in (project / "Dockerfile").read_text().splitlines() if line.startswith(("COPY", "ADD"))]
    assert copied == [f"COPY {MODULE}.py ."]


@pytest.mark.parametrize("name", [".local/dev/ca.crt", ".venv/bin/python", "ca.pem", "tls.key", "tls.crt", ".env"])
def test_git_ignores_runs_environments_and_certificates(project: Path, name: str) -> None:
    """Requirement CFG-11: no key and no certificate is committed by accident; the test runs `git check-ignore`."""
    subprocess.run(["git", "init", "--quiet"], cwd=project, check=True, timeout=30)  # noqa: S607 - git of the PATH
    ignored = subprocess.run(["git", "check-ignore", "--quiet", name], cwd=project, check=False, timeout=30)  # noqa: S607
    assert ignored.returncode == 0


def test_an_existing_file_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    """Requirement CLI-1: a user's file is never replaced."""
    (tmp_path / "Dockerfile").write_text("mine")
    assert refusal(NAME, tmp_path) == [
        f"{tmp_path}/Dockerfile: exists already and is never replaced; use another folder with --dir"
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["Dockerfile"]
    assert (tmp_path / "Dockerfile").read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Mcp_Search", "service name 'Mcp_Search' is not a DNS label; use lower-case letters, digits and '-'"),
        ("a" * 55, "use at most 54"),
        ("json", "'json' would be a module that hides one of Python or of a package; use 'mcp-json'"),
        ("mcp", "'mcp' would be a module that hides one of Python or of a package; use 'mcp-mcp'"),
        ("class", "'class' would be a module that hides one of Python or of a package; use 'mcp-class'"),
    ],
)
def test_an_invalid_name_is_rejected_with_a_valid_one(tmp_path: Path, name: str, message: str) -> None:
    """Requirement CFG-8: the rule of the stack applies, and no module shadows an import of the service."""
    (line,) = refusal(name, tmp_path)
    assert line.startswith("new: NAME: ")
    assert message in line
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_created_is_one_line(tmp_path: Path) -> None:
    """Requirement CFG-4: errors are lines."""
    (tmp_path / "file").write_text("")
    assert refusal(NAME, tmp_path / "file" / "below") == [
        f"{tmp_path}/file/below: the folder cannot be written: Not a directory"
    ]


def test_the_command_prints_what_it_wrote_and_the_next_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement CLI-1: a command prints the next step."""
    monkeypatch.chdir(tmp_path)
    lines = CliRunner().invoke(app, ["new", NAME]).stdout.splitlines()
    assert lines[0] == f"{NAME}/{MODULE}.py"
    assert (
        lines[-1] == f"next: cd {NAME}; python -m unittest; meshed-mcp check --stack dev; meshed-mcp local --stack dev"
    )
    assert all((tmp_path / line).is_file() for line in lines[:-1])
