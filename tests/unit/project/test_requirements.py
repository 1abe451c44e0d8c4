"""The numbered requirements of docs/requirements.md and the tests that cite them."""

import ast
import re
from collections import Counter
from collections.abc import Iterator

from tests.stacks import ROOT

ROW = re.compile(r"^\| ([A-Z][A-Z0-9]{1,2}-\d+) \|", re.MULTILINE)
CITED = re.compile(r"\b[Rr]equirements? ((?:[A-Z][A-Z0-9]{1,2}-\d+(?:, | and )?)+)")
NUMBER = re.compile(r"[A-Z][A-Z0-9]{1,2}-\d+")
UNNUMBERED = re.compile(r"^(Product rule|Issue|House rule|Design)\b", re.IGNORECASE)

NUMBERS = ROW.findall((ROOT / "docs" / "requirements.md").read_text("utf-8"))


def docstrings() -> Iterator[tuple[str, str]]:
    """(place, docstring) of every test."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield f"{path.relative_to(ROOT)}::{node.name}", ast.get_docstring(node) or ""


def test_requirement_numbers_are_unique() -> None:
    """Requirement PRJ-2: a citation leads to one row."""
    assert [number for number, count in Counter(NUMBERS).items() if count > 1] == []


def test_every_cited_requirement_exists_and_every_requirement_is_cited() -> None:
    """Requirement PRJ-2: docs/requirements.md and the tests agree."""
    cited = {number for _, text in docstrings() for group in CITED.findall(text) for number in NUMBER.findall(group)}
    assert sorted(cited - set(NUMBERS)) == []
    assert sorted(set(NUMBERS) - cited) == []


def test_every_test_cites_a_numbered_requirement_or_another_authority() -> None:
    """Requirement PRJ-1: a test says in one sentence on whose authority it stands."""
    assert [place for place, text in docstrings() if not text or UNNUMBERED.match(text)] == []
