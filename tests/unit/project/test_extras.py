"""The extra that the error about a missing package names."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from meshed_mcp import extras
from meshed_mcp.cli import entry_point
from tests.stacks import ROOT

TRANSITIVE = {
    "google",  # of protobuf, of pulumi
    "grpc",  # of pulumi
    "httpcore2",  # of httpx2
    "pydantic",  # of the distribution itself
    "pydantic_core",  # of pydantic
}
"""Modules that come with a package of ours, which is then missing first."""


def imported(folder: Path) -> Iterator[str]:
    """Top-level names of everything that the modules below `folder` import."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module.partition(".")[0]


@pytest.mark.parametrize("folder", ["agents", "components", "infra", "local", "meshed_mcp"])
def test_every_imported_package_is_in_an_extra(folder: str) -> None:
    """Python Packaging Guide, "Optional dependencies": what code imports is declared."""
    foreign = set(imported(ROOT / folder)) - sys.stdlib_module_names - {"meshed_mcp"} - TRANSITIVE
    assert sorted(name for name in foreign if not extras.extras_of(name)) == []


@pytest.mark.parametrize(
    ("module", "extra", "named"),
    [
        ("mcp.types", "runtime", "runtime"),
        ("pulumi", "platform", "platform"),
        ("httpx", "runtime", "runtime"),
        ("httpx", "platform", "platform"),
        ("matplotlib", "platform", "plots"),
    ],
)
def test_a_missing_package_names_the_extra_of_its_importer(module: str, extra: str, named: str) -> None:
    """Requirement CFG-4: a missing extra is one line that says which extra to install."""
    with pytest.raises(ModuleNotFoundError) as raised, extras.required(extra):
        raise ModuleNotFoundError(name=module)
    assert str(raised.value) == f"the package {module} is not installed; install 'meshed-mcp[{named}]'"


def test_a_missing_module_of_the_product_stays_a_traceback() -> None:
    """Requirement PRJ-1: a defect is not reported as a missing extra."""
    with pytest.raises(ModuleNotFoundError, match=r"^no such module$"), extras.required("platform"):
        raise ModuleNotFoundError("no such module", name="meshed_mcp.absent")


def test_the_command_without_the_platform_extra_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python, `SystemExit`: a text goes to standard error, the exit code is 1."""
    monkeypatch.setitem(sys.modules, "typer", None)
    monkeypatch.delitem(sys.modules, "meshed_mcp.__main__", raising=False)
    with pytest.raises(SystemExit) as raised:
        entry_point.main()
    assert raised.value.code == "error: the package typer is not installed; install 'meshed-mcp[platform]'"
