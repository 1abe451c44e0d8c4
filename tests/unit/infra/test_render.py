"""Rendered files: the same bytes whichever of PyYAML's two writers there is."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp.infra import render
from tests.stacks import JUDGED, recording

SLOW = render.plain_dumper(yaml.SafeDumper)
"""PyYAML's own writer, where it was built without libyaml."""

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], include_characters="\n\t"), max_size=30)


@pytest.mark.parametrize("stack", JUDGED)
def test_both_writers_of_yaml_write_the_same_bytes(stack: str) -> None:
    """Product rule: equal data, equal bytes, on every machine."""
    found = recording(stack)
    for document in (*found.objects, *map(render.release_text, found.releases)):
        assert render.text(document) == render.written(document, SLOW)


@given(st.recursive(TEXT | st.integers() | st.booleans() | st.none(), st.lists, max_leaves=5))
def test_what_is_written_is_what_is_read(document: object) -> None:
    """YAML 1.1: a document survives its writing, whatever its text is."""
    assert yaml.safe_load(render.text({"key": document})) == {"key": document}


def test_a_value_that_stands_twice_is_written_twice() -> None:
    """Product rule: a diff shows where a value changed; an anchor would hide it."""
    value = {"a": ["b"]}
    assert render.text({"x": value, "y": value}) == "x:\n  a:\n  - b\ny:\n  a:\n  - b\n"
