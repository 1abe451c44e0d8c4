"""Reading of a file: comments, trailing commas, several documents, lines, and one line of error for everything else."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshed_mcp.components.core.errors import ConfigIssue, ConfigurationError
from meshed_mcp.infra.importing.source import MAX_KIB, read_source
from tests.unit.infra.importing.importer import source_of


def refusal(content: str | bytes) -> str:
    """The line of a refused file."""
    with pytest.raises(ConfigurationError) as raised:
        source_of(content)
    (issue,) = raised.value.issues
    assert "\n" not in issue.line
    return issue.line


def test_json_may_have_comments_trailing_commas_and_tabs() -> None:
    """VS Code, "JSON with Comments": `mcp.json` is in this language."""
    text = '// head\n{\n\t"a": ["//no", "/*no*/", ",]",], /* c\n*/\n\t"b": {"c": 1,} // tail\n}\n'
    source = source_of(text)
    assert source.documents == [{"a": ["//no", "/*no*/", ",]"], "b": {"c": 1}}]
    assert source.line((0, "b", "c")) == 5


def test_a_comma_before_a_comment_and_a_bracket_is_a_trailing_one() -> None:
    """VS Code, "JSON with Comments": comments count as white space."""
    assert source_of('{"a": 1, // last\n}').documents == [{"a": 1}]


def test_yaml_values_are_text_as_written() -> None:
    """Compose Specification, "YAML 1.2": `no`, dates and times of day are text."""
    text = "a: no\nb: 2026-01-01\nc: 22:22\nd: 1.10\ne: 8080\nf: true\ng: ~\nh: 012\n"
    values = {"a": "no", "b": "2026-01-01", "c": "22:22", "d": "1.10", "e": 8080, "f": True, "g": None, "h": "012"}
    assert source_of(text).documents == [values]


def test_yaml_has_documents_anchors_and_merge_keys() -> None:
    """Compose Specification, "Fragments": anchors and merge keys are resolved."""
    source = source_of("x: &x {a: 1}\n---\ny: &y {b: 2}\nz: {<<: *y, c: 3}\n")
    assert source.documents == [{"x": {"a": 1}}, {"y": {"b": 2}, "z": {"b": 2, "c": 3}}]
    assert source.line((1, "z", "c")) == 4
    assert source.line((1, "z", "absent")) == 4


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"\xff\xfe{", "MM0890: mcp.json: cannot be read: it is not UTF-8"),
        (b"x" * (MAX_KIB * 1024 + 1), "it is too large"),
        ('{\n"a": }', "MM0891: mcp.json:2: is not valid JSON: expecting value"),
        ("a: b: c", "MM0891: mcp.json:1: is not valid YAML: mapping values are not allowed here"),
        ("a: !!timestamp x", "mcp.json:1: is not valid YAML: could not determine a constructor for the tag"),
        ("a: !!int x", "value outside the range of its type"),
        ('{"a": ' + "9" * 5000 + "}", "value outside the range of its type"),
        ("[" * 100_000, "nested too deeply"),
        ("- " * 20_000, "nested too deeply"),
        ("a: &a [*a]", "nested too deeply"),
    ],
    ids=lambda value: str(value)[:20].encode("unicode_escape").decode(),
)
def test_a_malformed_file_is_one_coded_line(content: str | bytes, part: str) -> None:
    """Requirement IMP-6: a malformed, large or nested file is one line with a code."""
    assert part in refusal(content)


def test_aliases_that_expand_without_bound_are_rejected() -> None:
    """Requirement IMP-6: a few lines of YAML do not fill the memory."""
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40))]
    assert "more than 20000 values" in refusal("\n".join(lines))


def test_an_error_does_not_quote_the_file() -> None:
    """Requirement IMP-3: a file that cannot be parsed may contain secrets."""
    for text in (
        '{"token": "ghp_0123456789" "x"}',
        "token: ghp_0123456789: x",
        "token: 'ghp_0123456789",
        "a: *ghp_0123",
    ):
        assert "ghp_" not in refusal(text)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    """Requirement IMP-6: a wrong path is one line."""
    for path in (tmp_path / "absent.json", tmp_path, tmp_path / "a\0b"):
        with pytest.raises(ConfigurationError, match="MM0890"):
            read_source(path)


PIECES = st.sampled_from(
    [*'{}[]":,*&!|>%@#\n\t ab1-<?~', "//", "/*", "*/", '"a":', "- ", "<<: *a", "&a ", "---\n", "!!map "]
)


@given(st.one_of(st.binary(max_size=80), st.lists(PIECES, max_size=40).map(lambda pieces: "".join(pieces).encode())))
def test_any_bytes_are_data_or_one_line(content: bytes) -> None:
    """Requirement CFG-4: no file ends in a traceback."""
    issues: tuple[ConfigIssue, ...] = ()
    try:
        source_of(content)
    except ConfigurationError as error:
        issues = error.issues
    assert len(issues) <= 1
    assert not any("\n" in issue.line for issue in issues)
