"""Package schema of the components."""

import json
from enum import StrEnum
from functools import cache
from typing import Any

import pytest
from pulumi.provider.experimental.util import camel_case
from pydantic import Field

from meshed_mcp.components import COMPONENTS
from meshed_mcp.components.core.args import In, Model, camel
from meshed_mcp.components.core.schema import Schema, package_schema


@cache
def package() -> dict[str, Any]:
    """The schema of all components, made once and not at import."""
    found: dict[str, Any] = json.loads(package_schema(list(COMPONENTS), "1.2.3"))
    return found


class Choice(StrEnum):
    """A choice."""

    ONE = "one"


class Nested(Model):
    """Nested."""

    choice: Choice = Choice.ONE
    """Which one."""


class Args(Model):
    """Arguments."""

    image: In[str]
    """The image."""

    max_replicas: int = Field(default=3, ge=1)
    """Upper bound."""

    nested: Nested | None = None
    env: dict[str, In[str]] = Field(default_factory=dict)
    names: list[str] = Field(default_factory=list)
    values: dict[str, Any] = Field(default_factory=dict)


def test_model_becomes_an_object_type_with_descriptions_and_defaults() -> None:
    """Pulumi, "Package schema": types, required inputs and defaults of properties."""
    spec = Schema().object_spec(Args)
    assert spec["required"] == ["image"]
    assert spec["properties"] == {
        "image": {"type": "string", "description": "The image."},
        "maxReplicas": {"type": "integer", "description": "Upper bound.", "default": 3},
        "nested": {"$ref": "#/types/meshed-mcp:index:Nested", "description": "Nested."},
        "env": {"type": "object", "additionalProperties": {"type": "string"}},
        "names": {"type": "array", "items": {"type": "string"}},
        "values": {"type": "object", "additionalProperties": {"$ref": "pulumi.json#/Any"}},
    }


def test_enums_keep_their_values_for_other_languages() -> None:
    """Pulumi, "Package schema": an enum type lists its values."""
    schema = Schema()
    schema.object_spec(Args)
    assert schema.types["meshed-mcp:index:Choice"]["enum"] == [{"name": "ONE", "value": "one"}]


def test_two_types_of_one_name_are_rejected() -> None:
    """Requirement CMP-10: the schema has one module, so the second type would silently replace the first."""
    schema = Schema()
    schema.reference(Nested)
    twin = type("Nested", (Model,), {"__module__": "elsewhere"})
    with pytest.raises(TypeError, match=r"elsewhere.Nested and .*'s share a name; rename one"):
        schema.reference(twin)


def test_type_that_the_schema_cannot_express_is_rejected() -> None:
    """Pulumi, "Package schema": no tuples, no sets."""
    with pytest.raises(
        TypeError, match=r"cannot be written in a package schema; use a model, an enum, a list or a map"
    ):
        Schema().type_spec(tuple[int, ...])


@pytest.mark.parametrize("name", ["a", "max_replicas", "in_flight_per_replica", "cpu_limit", "mTLS_mode", "a_1b"])
def test_property_names_follow_pulumis_rule(name: str) -> None:
    """The name on the wire is the one that Pulumi's stock component host would use."""
    assert camel(name) == camel_case(name)


def test_all_four_components_are_in_the_package() -> None:
    """Requirement CMP-5: the package offers the four components to other languages."""
    assert sorted(token.split(":")[-1] for token in package()["resources"]) == [
        "AutoscalingPolicy",
        "MeshedMCPService",
        "ObservabilityStack",
        "ServiceMesh",
    ]
    assert package()["version"] == "1.2.3"


def test_every_input_and_output_is_described() -> None:
    """Requirement CFG-9: the text of each field is the reference documentation."""
    for token, resource in package()["resources"].items():
        for side in ("inputProperties", "properties"):
            bare = [name for name, spec in resource[side].items() if not spec.get("description")]
            assert bare == [], f"{token}: {side} without a text: {bare}"


def test_every_reference_resolves_to_a_type() -> None:
    """Pulumi, "Package schema": a reference names a type of the package."""
    text = json.dumps(package())
    wanted = {part.split('"')[0] for part in text.split("#/types/")[1:]}
    assert wanted <= set(package()["types"])
