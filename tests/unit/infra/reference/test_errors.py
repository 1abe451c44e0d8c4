"""Catalog of error codes: uniqueness, use, explanations and examples."""

import ast
import importlib
import json
import re
import string
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from meshed_mcp import error_codes
from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.error_codes.code import ErrorCode, catalog
from meshed_mcp.infra.plan import planned
from meshed_mcp.infra.reference import errors as error_reference
from meshed_mcp.infra.reference.errors import AREAS, Entry
from tests.stacks import ROOT

FOLDER = Path(error_codes.__file__).parent
ENTRIES = [entry for area in AREAS for entry in error_reference.entries(area)]
SOURCES = [path for folder in ("agents", "components", "infra", "local") for path in (ROOT / folder).rglob("*.py")]
SOURCES += [
    path
    for path in (ROOT / "meshed_mcp").rglob("*.py")
    if not any(part.is_symlink() for part in path.parents) and path.parent != FOLDER
]
NOW = datetime(2026, 11, 1, tzinfo=UTC)
"""Before the windows of the examples."""

WITH_STACK = [entry for entry in ENTRIES if entry.wrong is not None]
FORBIDDEN = {"write", "nobody", "told", "whoever"}  # codespell:ignore nobody,told,whoever
"""Words of no error text. Source: style guide, rules 3 and 6; `make lint` checks the spelling."""

UNTESTED_AREAS = {"addresses", "check", "cli", "live", "local", "runtime", "tokens"}
"""Areas whose examples are no stack files: their own tests produce the codes."""


def by_code(entries: list[Entry]) -> list[Any]:
    """Test parameters under the name of each code."""
    return [pytest.param(entry, id=f"{entry.code.code}-{entry.name}") for entry in entries]


def test_codes_are_unique_and_of_one_form() -> None:
    """Requirement CFG-14: each code is stable and unique, of the form `MM0123`."""
    codes = [entry.code.code for entry in ENTRIES]
    assert [code for code, count in Counter(codes).items() if count > 1] == []
    assert [code for code in codes if re.fullmatch(r"MM\d{4}", code) is None] == []


def test_every_catalog_module_is_on_the_page_and_explains_only_its_codes() -> None:
    """Requirement CFG-14: the page is generated from one catalog."""
    assert {path.stem for path in FOLDER.glob("*.py")} - {"__init__", "code"} == set(AREAS)
    assert {path.stem for path in FOLDER.glob("*.toml")} == set(AREAS)
    for area in AREAS:
        codes = [entry.code for entry in error_reference.entries(area)]
        assert list(catalog(area)) == [code.code for code in codes], "a code is at the same place in both files"
        assert {code.area for code in codes} == {area}


@pytest.mark.parametrize("entry", by_code(ENTRIES))
def test_a_code_has_cause_example_and_fix(entry: Entry) -> None:
    """Requirement CFG-14: the section of a code has cause, example and fix."""
    explanation = entry.explanation
    assert explanation.keys() <= {"text", "cause", "fix", "service", "stack", "fixed", "example", "untested"}
    assert explanation["cause"]
    assert explanation["fix"]
    assert entry.wrong is not None or explanation["example"]
    assert (entry.wrong is None) == (entry.fixed is None)


@pytest.mark.parametrize("area", sorted(set(AREAS) - UNTESTED_AREAS))
def test_an_untested_example_has_a_reason(area: str) -> None:
    """Requirement PRJ-2: an example is tested, or has a reason why it cannot be."""
    assert [
        entry.name
        for entry in error_reference.entries(area)
        if (entry.wrong is None) != bool(entry.explanation.get("untested"))
    ] == []


@pytest.mark.parametrize("entry", by_code(ENTRIES))
def test_an_error_text_follows_the_style_guide(entry: Entry) -> None:
    """Requirement CFG-2: an error is one line with `set` or `use`, in the words of the style guide."""
    assert "\n" not in entry.code.text
    texts = f"{entry.code.text} {entry.explanation['cause']} {entry.explanation['fix']}".lower()
    assert {*re.findall(r"[a-z]+", texts)} & FORBIDDEN == set()


def names_used(path: Path) -> Iterator[str]:
    """Names of the catalog that a module imports, or reads from a catalog module that it imports as `codes`."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.ImportFrom(module=str(module)) if module.startswith("meshed_mcp.error_codes."):
                found = {alias.name: getattr(importlib.import_module(module), alias.name) for alias in node.names}
                yield from (name for name, value in found.items() if isinstance(value, ErrorCode))
            case ast.Attribute(value=ast.Name(id="codes"), attr=name):
                yield name


def test_every_code_is_used() -> None:
    """Requirement CFG-14: the catalog has no unused code, and no module uses a code that it lacks."""
    used = {name for path in SOURCES for name in names_used(path)}
    assert {entry.name for entry in ENTRIES} - used == set()


def calls(path: Path) -> Iterator[tuple[str, set[str]]]:
    """(name of a code, names of the values) of every message in a module."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=name) | ast.Attribute(attr=name), attr="message" | "error"),
                keywords=keywords,
            ) if name.isupper():
                yield name, {str(keyword.arg) for keyword in keywords}


def test_every_message_gets_exactly_the_values_of_its_text() -> None:
    """Requirement CFG-4: formatting a message never fails, and every value that it gets is shown."""
    wanted = {
        entry.name: {field for _, field, _, _ in string.Formatter().parse(entry.code.text) if field}
        for entry in ENTRIES
    }
    found = [(path.name, name, values) for path in SOURCES for name, values in calls(path) if name in wanted]
    assert [(file, name) for file, name, values in found if values != wanted[name]] == []
    assert {name for _, name, _ in found} == set(wanted)


CODED = {"LocalRunError", "StartError", "SettingsError", "DatabaseError"}
"""Errors whose lines a user reads, beside ConfigIssue and what pydantic collects."""


def uncoded(path: Path) -> Iterator[str]:
    """Lines where a module raises an error with a text outside the catalog."""
    platform = path.relative_to(ROOT).parts[0] in {"components", "infra", "local"}
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Raise(exc=ast.Call(func=ast.Name(id=name), args=[ast.Constant() | ast.JoinedStr(), *_])):
                if name in CODED or (platform and name == "ValueError"):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}"
            case ast.Call(func=ast.Name(id="ConfigIssue"), args=[_, _, ast.Constant() | ast.JoinedStr()]):
                yield f"{path.relative_to(ROOT)}:{node.lineno}"


def test_no_error_text_is_outside_the_catalog() -> None:
    """Requirement CFG-14: every error has a stable code."""
    assert [place for path in SOURCES for place in uncoded(path)] == []


def codes_of(keys: dict[str, Any]) -> set[str]:
    """Codes of what is wrong with a stack file of these keys."""
    keys = {"services": {"mcp-search": dict(error_reference.SERVICE)}, **keys}
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in keys.items()}
    try:
        planned({f"meshed-mcp:{key}": text for key, text in texts.items()}, now=NOW)
    except ConfigurationError as error:
        return {issue.code for issue in error.issues}
    return set()


@pytest.mark.parametrize("entry", by_code(WITH_STACK))
def test_an_example_produces_its_code_and_no_other(entry: Entry) -> None:
    """Requirement PRJ-2: each example on the page produces its code."""
    assert codes_of(entry.wrong or {}) == {entry.code.code}


@pytest.mark.parametrize("entry", by_code(WITH_STACK))
def test_the_fix_of_an_example_is_accepted(entry: Entry) -> None:
    """Requirement CFG-12: a message never advises a setting that the product then rejects."""
    assert codes_of(entry.fixed or {}) == set()


def test_the_page_is_generated() -> None:
    """Requirement PRJ-2: reference pages are generated from the code, so they cannot drift."""
    page = (ROOT / "docs" / "reference" / "errors.md").read_text("utf-8")
    assert page == error_reference.page(), "run: make golden"
    assert re.findall(r"(?m)^### (MM\d{4})$", page) == sorted(
        (entry.code.code for entry in ENTRIES), key=lambda code: page.index(f"### {code}\n")
    )
