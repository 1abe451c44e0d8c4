"""Reading a Pulumi project's files as the Pulumi CLI does."""

import json
from pathlib import Path

import pytest

from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.infra.recording.project import SECRET_PLACEHOLDER, read_project

PROJECT = "name: shop\nruntime: python\nmain: infra\n"


def written(folder: Path, project: str, **stacks: str) -> Path:
    """A project's files in `folder`."""
    (folder / "Pulumi.yaml").write_text(project)
    for stack, body in stacks.items():
        (folder / f"Pulumi.{stack}.yaml").write_text(body)
    return folder


def test_values_are_flattened_as_by_pulumi(tmp_path: Path) -> None:
    """Pulumi, "Configuration": values are strings, structures JSON; a key without namespace belongs to the project."""
    body = "config:\n  other:a: text\n  size: 3\n  meshed-mcp:services: {a: {image: x}}\n  on: true\n"
    config = read_project(written(tmp_path, PROJECT, dev=body.replace(" on:", ' "on":')), "dev").config
    assert config == {
        "other:a": "text",
        "shop:size": "3",
        "meshed-mcp:services": json.dumps({"a": {"image": "x"}}),
        "shop:on": "true",
    }


def test_project_values_come_first_and_the_stack_overrides_them(tmp_path: Path) -> None:
    """Pulumi, "Project-level configuration": `value` and `default` apply where the stack sets nothing."""
    project = PROJECT + "config:\n  a: {default: 1}\n  b: {value: 2}\n  c: plain\n  d: {type: string}\n"
    config = read_project(written(tmp_path, project, dev="config: {shop:b: 9}"), "dev").config
    assert config == {"shop:a": "1", "shop:b": "9", "shop:c": "plain"}


def test_an_encrypted_value_becomes_a_placeholder_and_a_secret_key(tmp_path: Path) -> None:
    """Requirement CFG-11: no encrypted value reaches a rendered file."""
    project = read_project(
        written(tmp_path, PROJECT, dev="config:\n  a: {secure: AAAB}\n  b: {x: [{secure: q}]}\n"), "dev"
    )
    assert project.secret_keys == ["shop:a", "shop:b"]
    assert project.config == {"shop:a": SECRET_PLACEHOLDER, "shop:b": json.dumps({"x": [SECRET_PLACEHOLDER]})}


def test_main_names_the_programs_folder(tmp_path: Path) -> None:
    """Pulumi, "Project file": `main` is the folder of the program, the project's own if absent."""
    assert read_project(written(tmp_path, PROJECT, dev=""), "dev").program == tmp_path / "infra" / "__main__.py"
    assert read_project(written(tmp_path, "name: a\n", dev=""), "dev").program == tmp_path / "__main__.py"


@pytest.mark.parametrize(
    ("project", "stack", "message"),
    [
        (
            PROJECT,
            "config:\n  a: 1\n  a: 2\n",
            r"Pulumi.dev.yaml: a: is set twice, on lines 2 and 3; rename or remove",
        ),
        (PROJECT, "config:\n  s:\n    x: {a: 1}\n    x: {a: 2}\n", r"x: is set twice, on lines 3 and 4"),
        (
            PROJECT,
            "config: [1]\n",
            "Pulumi.dev.yaml: config: is not a mapping of names to values; set key: value lines",
        ),
        (PROJECT, "config: {a: [}\n", r"Pulumi.dev.yaml: is not YAML: while parsing"),
        (PROJECT, "\x00", r"Pulumi.dev.yaml: is not YAML"),
        ("- a\n", "", "Pulumi.yaml: is not a mapping of names to values"),
        (PROJECT, "config: {1: 2}\n", r"config: is not a mapping of names to values"),
    ],
)
def test_an_unreadable_file_ends_in_one_line(tmp_path: Path, project: str, stack: str, message: str) -> None:
    """Requirement CFG-4: two services of one name, and every other error of YAML, are one line without a traceback."""
    with pytest.raises(ConfigurationError, match=message) as raised:
        read_project(written(tmp_path, project, dev=stack), "dev")
    assert "\n" not in str(raised.value)
    assert str(tmp_path) not in str(raised.value)


def test_an_absent_stack_lists_the_existing_ones(tmp_path: Path) -> None:
    """Requirement CFG-8: the error names the stacks that exist."""
    written(tmp_path, PROJECT, dev="", prod="")
    with pytest.raises(ConfigurationError, match=r"Pulumi.prd.yaml: there is no stack prd; did you mean prod\?"):
        read_project(tmp_path, "prd")


def test_a_folder_without_a_project_is_reported(tmp_path: Path) -> None:
    """Requirement CFG-2: the error says what to set instead."""
    with pytest.raises(ConfigurationError, match=r"Pulumi.yaml: not a Pulumi project; create it, or set the folder"):
        read_project(tmp_path, "dev")
