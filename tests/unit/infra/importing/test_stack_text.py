"""The written stack file: order, quotes and comments."""

from meshed_mcp.infra.importing.stack_text import stack_text
from tests.unit.infra.importing.importer import client, config_of, report_of


def test_the_head_of_the_file_names_what_must_be_set() -> None:
    """Requirement IMP-4: a reader of the file sees what is missing."""
    text = stack_text(report_of(client(command="uvx", args=["server"])))
    assert text.splitlines()[:3] == [
        "# Imported from mcp.json by `meshed-mcp import`.",
        '# Set search.package: an exact version is required, as in "pypi:server==VERSION"',
        "# Set meshed-mcp:bridge.pypi_image: replace the registry by the one that has this image of the bridge",
    ]


def test_texts_that_parsers_read_differently_are_quoted() -> None:
    """YAML 1.2.2, section 10.3: `1e3`, `0o17` and `yes` are numbers or booleans to some parsers."""
    values = {
        "A": "1e3",
        "B": "0o17",
        "C": "yes",
        "D": "1_000",
        "E": "12:30",
        "F": "null",
        "G": "~",
        "H": "a: b",
        "I": "",
    }
    report = report_of(client(command="npx", args=["a@1.2.3"], env=values))
    assert config_of(report)["meshed-mcp:services"]["search"]["env"] == values
    assert '"1e3"' in stack_text(report)
    assert '"0o17"' in stack_text(report)


def test_a_comment_stays_on_its_line() -> None:
    """Requirement IMP-6: a line break in the name of a variable does not end a comment."""
    report = report_of(client(command="npx", args=["a@1.2.3"], env={"A": "${x\nconfig: 1}"}))
    assert list(config_of(report)) == ["meshed-mcp:bridge", "meshed-mcp:services"]
