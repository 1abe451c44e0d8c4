"""Private names of other packages: each is listed, used and guarded by a test, its package pinned to a minor."""

import ast
import tomllib
from collections.abc import Iterator

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.stacks import ROOT
from tests.unit.project.private_names import LISTED, PrivateName
from tests.unit.project.private_uses import Use, inherited, private_attributes, private_imports, uses

CLOSE = frozenset({"mcp", "mcp-types", "httpx2"})
"""Packages whose classes the runtime extends, or whose middleware is provisional: pinned without a private name too."""

CODE = """
import opentelemetry.sdk._logs.export
from pulumi import _types
from mcp.server._otel import anything
from __future__ import annotations
from meshed_mcp.agents._own import thing
class Own(Base):
    def _own(self):
        return self._own, other._own, row._replace(a=1), server._verifier, getattr(server, "_by_name"), other.__name__
"""


def listed() -> dict[Use, PrivateName]:
    """The list by what it lists."""
    return {Use(entry.file, entry.name): entry for entry in LISTED}


def requirements() -> Iterator[Requirement]:
    """Every requirement of every extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for line in (line for extra in project["optional-dependencies"].values() for line in extra):
        yield Requirement(line)


def test_every_private_name_is_listed_and_every_entry_is_used() -> None:
    """Requirement PRJ-6: the product uses public APIs; exceptions are in one list."""
    found, known = uses(), listed().keys()
    assert sorted(found - known) == [], "use a public name, or add these to private_names.py"
    assert sorted(known - found) == [], "drop these from private_names.py"


def test_a_use_is_listed_once_with_a_reason() -> None:
    """Requirement PRJ-6: name, file, reason, package, range and guard."""
    assert len(listed()) == len(LISTED)
    assert [entry for entry in LISTED if not (entry.why and entry.package and entry.versions)] == []


def test_every_guard_is_a_test() -> None:
    """Requirement PRJ-6: a private name that changes fails a test that says so."""
    for entry in LISTED:
        path, _, function = entry.guard.partition("::")
        tests = {
            node.name
            for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8")))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert function in tests, entry


@pytest.mark.parametrize("package", sorted(CLOSE | {entry.package for entry in LISTED}))
def test_the_package_is_pinned_to_a_minor_release(package: str) -> None:
    """Requirement PRJ-6: a private name may change in any minor release; list and pyproject.toml agree."""
    ranges = {str(entry.versions) for entry in LISTED if entry.package == package}
    required = [requirement for requirement in requirements() if requirement.name == package]
    assert required
    assert {str(requirement.specifier) for requirement in required} == ranges or not ranges
    least = next(Version(part.version) for part in required[0].specifier if part.operator == ">=")
    assert not required[0].specifier.contains(f"{least.major}.{least.minor + 1}.0")


def test_the_scan_finds_private_names() -> None:
    """Requirement PRJ-1: a test that cannot fail is a defect."""
    tree = ast.parse(CODE)
    assert set(private_imports(tree)) == {"opentelemetry.sdk._logs", "pulumi._types", "mcp.server._otel"}
    assert set(private_attributes(tree)) == {"_verifier", "_by_name"}
    source = "class ServiceHTTPClient(AsyncClient):\n def send(self):\n  return self._transport, self._own"
    assert set(inherited(ast.parse(source), "meshed_mcp.agents.client.http_client")) == {"_transport"}
