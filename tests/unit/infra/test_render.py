"""Rendered files: equal bytes from both dumpers of PyYAML."""

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
def test_both_yaml_writers_write_the_same_bytes(stack: str) -> None:
    """Requirement CMP-4: equal data gives equal bytes, on every machine."""
    found = recording(stack)
    for document in (*found.objects, *map(render.release_text, found.releases)):
        assert render.text(document) == render.text(document, SLOW)


@given(st.recursive(TEXT | st.integers() | st.booleans() | st.none(), st.lists, max_leaves=5))
def test_every_document_survives_writing_and_reading(document: object) -> None:
    """YAML 1.1: a document survives its serialization, whatever its text is."""
    assert yaml.safe_load(render.text({"key": document})) == {"key": document}


def test_a_repeated_value_is_written_without_anchors() -> None:
    """Requirement PRJ-3: a diff shows where a value changed; an anchor would hide it."""
    value = {"a": ["b"]}
    assert render.text({"x": value, "y": value}) == "x:\n  a:\n  - b\ny:\n  a:\n  - b\n"
