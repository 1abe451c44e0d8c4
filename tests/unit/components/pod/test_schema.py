"""The schema of pods: issues of values, and that it equals the schema of `check`."""

import json
from typing import Any

import pulumi
import pytest

from meshed_mcp.components.pod import schema
from meshed_mcp.infra.checks.schemas import schema_file


def without_merge_keys(value: Any) -> Any:
    """A schema without the keys of strategic merges."""
    if isinstance(value, dict):
        return {key: without_merge_keys(item) for key, item in value.items() if key != schema.MERGE_KEY}
    return [without_merge_keys(item) for item in value] if isinstance(value, list) else value


def test_definitions_are_those_of_check() -> None:
    """Requirement CFG-13: what the options accept, `check` accepts too."""
    published = schema_file("kubernetes")["$defs"]
    found = schema.definitions()
    assert without_merge_keys(found) == {name: published[name] for name in found}


@pytest.mark.parametrize(
    ("field", "key"),
    [("containers", "name"), ("volumes", "name"), ("imagePullSecrets", "name"), ("hostAliases", "ip")],
)
def test_lists_have_the_merge_keys_of_kubernetes(field: str, key: str) -> None:
    """Kubernetes API, PodSpec: `patchMergeKey` in its Go types."""
    assert schema.field_schema(schema.definition("PodSpec"), field)[schema.MERGE_KEY] == key


ISSUES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "valid": ({"name": "a", "image": "a:1", "env": [{"name": "A", "value": "1"}]}, []),
    "unknown field": (
        {"name": "a", "imagee": "x"},
        ["imagee: is not a field of the Kubernetes API; did you mean image?"],
    ),
    "type": ({"name": "a", "command": "serve"}, ["command: 'serve' is not a list; set a list"]),
    "boolean for a number": (
        {"name": "a", "ports": [{"containerPort": True}]},
        ["ports[0].containerPort: True is not a whole number; set a whole number"],
    ),
    "number or text": ({"name": "a", "livenessProbe": {"httpGet": {"port": 80}}}, []),
    "choice": (
        {"name": "a", "imagePullPolicy": "always"},
        ["imagePullPolicy: 'always' is not a choice of the Kubernetes API; did you mean Always?"],
    ),
    "missing": ({"image": "a:1"}, ["name: is missing; set name"]),
    "null": ({"name": None}, ["name: None is not text in quotes; set text in quotes"]),
    "further keys": ({"name": "a", "resources": {"limits": {"nvidia.com/gpu": 1}}}, []),
}


@pytest.mark.parametrize("case", ISSUES)
def test_issues_name_the_field_and_what_to_set(case: str) -> None:
    """Requirement CFG-2: object, field, what is wrong, what to set instead."""
    value, lines = ISSUES[case]
    assert list(schema.shape_issues(value, schema.definition("Container"))) == lines


def test_outputs_are_accepted_anywhere() -> None:
    """Requirement CFG-16: a value may be an output of another resource."""
    name = pulumi.Output.from_input("settings")
    volume = {"name": "settings", "configMap": {"name": name}}
    assert list(schema.shape_issues(volume, schema.definition("Volume"))) == []


def test_the_schema_is_small_and_without_descriptions() -> None:
    """Requirement PRJ-4: a schema that travels with the components is structural."""
    assert len(json.dumps(schema.definitions())) < 50_000
    assert not [name for name, each in schema.definitions().items() if "description" in each]
