"""Golden files: what a change does to the rendered stacks and to the package schema is seen in its diff."""

import json
from pathlib import Path

import pytest

from meshed_mcp.infra.recording import record
from meshed_mcp.infra.reference import stack_file
from meshed_mcp.infra.render import write as write_rendering
from tests.golden.compact import compact
from tests.golden.layout import CONTEXT_LINES, committed_files, difference, golden_files, stack_files
from tests.golden.write import REFERENCE, write
from tests.stacks import ROOT, STACKS


def test_golden_files_are_the_committed_ones() -> None:
    """Requirement PRJ-3: a reviewer sees what changes in clusters and schema. `make golden` writes the files."""
    rendered, committed = golden_files(), committed_files()
    assert sorted(committed) == sorted(rendered), "run: make golden"
    changed = [path for path in rendered if rendered[path] != committed[path]]
    assert changed == [], "run: make golden, and read the diff"


def test_nothing_that_both_stacks_have_stands_twice() -> None:
    """Requirement PRJ-3: a change of a dashboard, a rule or an object is one diff, whichever stacks have it."""
    files = stack_files()
    twice = [path for path in files if path.startswith("prod/") and path.replace("prod/", "dev/", 1) in files]
    assert twice == []


def test_differences_carry_no_line_numbers() -> None:
    """Requirement PRJ-3: a line added above a difference of prod does not change the difference."""
    before = [f"line {number}" for number in range(20)]
    after = [line.replace("line 12", "line twelve") for line in before]
    found = difference("\n".join(before), "\n".join(after))
    assert found == difference("\n".join(["first", *before]), "\n".join(["first", *after]))
    assert found.splitlines()[0] == "@@"
    assert len(found.splitlines()) == 1 + 2 * CONTEXT_LINES + 2


def test_compact_json_is_the_same_document_in_short_lines() -> None:
    """RFC 8259: whitespace between tokens says nothing; what fits into a line stands in one."""
    document = {"properties": {"x": {"type": "string"}, "y": {}}, "list": [{"a": "x" * 100}, {"b": [1, 2]}], "none": []}
    text = compact(document)
    assert json.loads(text) == document
    assert '    "x": {"type": "string"},\n    "y": {}\n' in text
    assert '    {"b": [1, 2]}\n' in text


def test_writing_removes_files_that_are_gone(tmp_path: Path) -> None:
    """Requirement PRJ-3: the golden file of an object that is no longer rendered is removed."""
    (tmp_path / "layout.py").touch()
    write({"dev/a.yaml": "a\n", "prod/b.yaml": "b\n"}, tmp_path)
    write({"dev/a.yaml": "new\n"}, tmp_path)
    assert committed_files(tmp_path) == {"dev/a.yaml": "new\n"}
    assert (tmp_path / "layout.py").exists()


def test_stack_file_reference_is_generated_from_the_models() -> None:
    """Requirement CFG-9: reference pages are generated from the docstrings, so they cannot drift."""
    assert REFERENCE.read_text("utf-8") == stack_file.page(), "run: make golden"


def test_every_key_of_a_stack_file_is_documented() -> None:
    """Requirement CFG-9: the text below a field is its reference documentation."""
    bare = [line for line in stack_file.page().splitlines() if line.startswith("| `") and line.endswith("|  |")]
    assert bare == []


@pytest.mark.parametrize("stack", STACKS)
def test_rendering_twice_gives_the_same_bytes(stack: str, tmp_path: Path) -> None:
    """Requirement CMP-4: rendering is deterministic; each run reads the files again."""
    for run in ("first", "second"):
        write_rendering(record(ROOT, stack), tmp_path / run)
    assert committed_files(tmp_path / "first") == committed_files(tmp_path / "second")
