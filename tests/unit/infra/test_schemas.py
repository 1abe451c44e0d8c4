"""The published schemas: what the files hold, and that they are the sources' own."""

from pathlib import Path
from typing import Any

import pytest

from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.infra.checks.crds import strict_schema
from meshed_mcp.infra.checks.schema import schema_issues, unchecked_kinds
from meshed_mcp.infra.checks.schemas import published_kinds, published_schema
from tests.schemas import published
from tests.stacks import JUDGED, recording


def test_every_schema_file_is_generated_from_its_source(crd_dir: Path) -> None:
    """Requirement CMP-14: the packaged schemas equal those of the CRDs."""
    for name, text in published.crd_texts(crd_dir).items():
        assert (published.FOLDER / f"{name}.json").read_text(encoding="utf-8") == text, name


def test_the_index_names_the_file_of_every_group() -> None:
    """Requirement CMP-14: a group without a file would not be checked."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in published.FOLDER.glob("*.json")}
    assert texts.pop("index") == published.index_text(texts)


@pytest.mark.parametrize("stack", JUDGED)
def test_every_rendered_kind_has_a_schema(stack: str) -> None:
    """Requirement CMP-14: `check` validates every object of a stack on a machine without CRD files."""
    objects = recording(stack).objects
    assert unchecked_kinds(objects) == []
    assert [str(fault) for item in objects for fault in schema_issues(item)] == []


def test_schemas_are_shipped_without_descriptions() -> None:
    """Requirement PRJ-4: the packaged schemas are structural, below 1 MB."""
    files = list(published.FOLDER.glob("*.json"))
    assert sum(path.stat().st_size for path in files) < 1_000_000
    assert not [path.name for path in files if '"description":"' in path.read_text(encoding="utf-8")]


WIDGET = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "one"}, "spec": {"size": "large"}}
WIDGET_CRD = """
kind: CustomResourceDefinition
spec:
  group: example.com
  names: {kind: Widget}
  versions:
  - name: v1
    served: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, properties: {size: {type: integer, nullable: true}}}
"""


def test_a_custom_kind_without_a_schema_is_a_note() -> None:
    """Requirement PRJ-5: a skipped check is never reported as passed."""
    assert schema_issues(WIDGET) == []
    assert unchecked_kinds([WIDGET, WIDGET]) == [
        "Widget of example.com/v1 is not checked; set CRD_DIR to a folder with its CRD"
    ]


def test_a_custom_kind_is_checked_by_the_users_crds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Kubernetes, "Extend the Kubernetes API with CustomResourceDefinitions": the CRD contains the schema."""
    (tmp_path / "widgets.yaml").write_text(WIDGET_CRD)
    monkeypatch.setenv("CRD_DIR", str(tmp_path))
    (fault,) = schema_issues(WIDGET)
    assert str(fault).startswith("Widget one: spec.size: 'large' is not of types")
    assert unchecked_kinds([WIDGET]) == []


def test_a_crd_folder_that_does_not_exist_is_rejected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Requirement CFG-6: a wrong setting is reported, not ignored."""
    monkeypatch.setenv("CRD_DIR", str(tmp_path / "absent"))
    with pytest.raises(
        ConfigurationError, match=r"CRD_DIR: .*absent is not a folder; set it to a folder with CRD files"
    ):
        schema_issues(WIDGET)


def test_null_fields_of_built_in_kinds_count_as_absent() -> None:
    """Kubernetes API: the decoder of built-in kinds leaves a null field at its default."""
    spec = {"containers": [{"name": "a", "image": None}], "nodeName": None}
    assert schema_issues({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec}) == []


def test_a_path_quotes_names_with_special_characters() -> None:
    """Requirement CFG-2: the path of a label is readable although its name has dots."""
    labels = {"app.kubernetes.io/name": 7}
    (fault,) = schema_issues({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "labels": labels}})
    assert fault.field == "metadata.labels['app.kubernetes.io/name']"


CRD_SCHEMAS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "descriptions and CEL rules are left out": (
        {"type": "string", "description": "A name.", "x-kubernetes-validations": [{"rule": "self != ''"}]},
        {"type": "string"},
    ),
    "an object with known fields rejects others": (
        {"type": "object", "properties": {"a": {"type": "string", "maxLength": 3}}},
        {"type": "object", "properties": {"a": {"type": "string", "maxLength": 3}}, "additionalProperties": False},
    ),
    "an object that keeps unknown fields stays open": (
        {"type": "object", "properties": {"a": {}}, "x-kubernetes-preserve-unknown-fields": True},
        {"type": "object", "properties": {"a": {}}},
    ),
    "a map stays a map": (
        {"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}},
        {"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}},
    ),
    "an alternative names some fields of the object": (
        {"type": "object", "properties": {"a": {}, "b": {}}, "oneOf": [{"properties": {"a": {}}, "required": ["a"]}]},
        {
            "type": "object",
            "properties": {"a": {}, "b": {}},
            "oneOf": [{"properties": {"a": {}}, "required": ["a"]}],
            "additionalProperties": False,
        },
    ),
    "number or text": (
        {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
            "pattern": "^[0-9]+%$",
        },
        {"type": ["integer", "string"], "pattern": "^[0-9]+%$"},
    ),
    "a value that may be null": (
        {"type": "string", "enum": ["a"], "nullable": True},
        {"type": ["string", "null"], "enum": ["a", None]},
    ),
    "a required field with a default may be absent": (
        {"type": "object", "properties": {"a": {"default": 1}, "b": {}}, "required": ["a", "b"]},
        {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["b"], "additionalProperties": False},
    ),
}


@pytest.mark.parametrize(("schema", "expected"), CRD_SCHEMAS.values(), ids=CRD_SCHEMAS)
def test_a_structural_schema_becomes_a_json_schema(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    """Kubernetes, "Specifying a structural schema": what is validated, pruned and defaulted."""
    assert strict_schema(schema) == expected


def test_kinds_of_all_shipped_groups_can_be_validated() -> None:
    """JSON Schema 2020-12: every reference of every kind leads to a definition."""
    for group in ("v1", "apps/v1", "batch/v1", "monitoring.coreos.com/v1", "gateway.networking.k8s.io/v1"):
        kinds = published_kinds(group)
        assert kinds
        assert all(published_schema(*each) for each in kinds)
