"""Golden files: what a change does to the rendered stacks and to the package schema is seen in its diff."""

from pathlib import Path

import pytest

from meshed_mcp.infra import reference, render
from tests.golden.write import EXAMPLE_STACKS, FOLDER, REFERENCE, SCHEMA, schema, summary, summary_file
from tests.stacks import STACKS, recording


@pytest.mark.parametrize("stack", STACKS)
def test_rendered_stacks_are_the_committed_ones(stack: str) -> None:
    """Product rule: review sees what changes in a cluster. `make golden` writes the files again."""
    rendered = render.files(recording(stack))
    folder = FOLDER / stack
    committed = {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in folder.rglob("*.yaml")}
    assert sorted(committed) == sorted(rendered), "run: make golden"
    changed = [path for path in rendered if rendered[path] != committed[path]]
    assert changed == [], "run: make golden, and read the diff"


@pytest.mark.parametrize("stack", EXAMPLE_STACKS)
def test_example_stacks_consist_of_what_is_committed(stack: str) -> None:
    """Product rule: review sees which objects a change adds or takes away."""
    assert summary_file(stack).read_text("utf-8") == summary(stack), "run: make golden, and read the diff"


def test_the_package_schema_is_the_committed_one() -> None:
    """Product rule: a change of what other languages see is seen in review."""
    assert (FOLDER / SCHEMA).read_text("utf-8") == schema(), "run: make golden, and read the diff"


def test_the_reference_of_stack_files_is_the_models_own() -> None:
    """House rule: reference pages are written from the docstrings, so they cannot drift."""
    assert REFERENCE.read_text("utf-8") == reference.page(), "run: make golden"


def test_every_key_of_a_stack_file_is_explained() -> None:
    """Product rule: the text beneath a field is its documentation; a key without one is unexplained."""
    bare = [line for line in reference.page().splitlines() if line.startswith("| `") and line.endswith("|  |")]
    assert bare == []


@pytest.mark.parametrize("stack", STACKS)
def test_rendering_twice_gives_the_same_bytes(stack: str, tmp_path: Path) -> None:
    """Issue, "Shown by": render of both stacks is byte-identical twice; the second run reads the files anew."""
    recording.cache_clear()
    first = render.files(recording(stack))
    recording.cache_clear()
    render.write(recording(stack), tmp_path)
    assert {
        path.relative_to(tmp_path).as_posix(): path.read_text("utf-8") for path in tmp_path.rglob("*.yaml")
    } == first
