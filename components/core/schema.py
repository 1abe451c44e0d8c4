"""Generator of the Pulumi package schema from the pydantic models of the components."""

import ast
import inspect
import json
import textwrap
import types
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from meshed_mcp.components.core.args import camel
from meshed_mcp.components.core.tagged import tag_of, tagged_models

PACKAGE: Final = "meshed-mcp"
SCALARS: Final = {str: "string", int: "integer", float: "number", bool: "boolean"}
ANY: Final = {"$ref": "pulumi.json#/Any"}


class Schema:
    """Collects the types of the components. Raises TypeError if two share a name."""

    def __init__(self) -> None:
        self.types: dict[str, dict[str, Any]] = {}
        self.sources: dict[str, type[BaseModel | StrEnum]] = {}

    def reference(self, kind: type[BaseModel] | type[StrEnum]) -> dict[str, str]:
        """A reference to a model or enum, added on first use."""
        known = self.sources.setdefault(kind.__name__, kind)
        if known is not kind:
            raise TypeError(f"{kind.__module__}.{kind.__name__} and {known.__module__}'s share a name; rename one")
        token = f"{PACKAGE}:index:{kind.__name__}"
        if token not in self.types:
            self.types[token] = {}
            self.types[token] = self.object_spec(kind) if issubclass(kind, BaseModel) else enum_spec(kind)
        return {"$ref": f"#/types/{token}"}

    def object_spec(self, model: type[BaseModel]) -> dict[str, Any]:
        """Properties of a model, and which are required."""
        fields = model.model_fields.items()
        texts = field_texts(model)
        return {
            "type": "object",
            "description": doc(model),
            "properties": {camel(name): self.property_spec(field, texts.get(name)) for name, field in fields},
            "required": [camel(name) for name, field in fields if field.is_required()],
        }

    def property_spec(self, field: FieldInfo, text: str | None) -> dict[str, Any]:
        """One property: type, description and scalar default."""
        default = field.get_default(call_default_factory=False)
        spec = self.type_spec(field.annotation)
        description = text or self.types.get(spec.get("$ref", "").removeprefix("#/types/"), {}).get("description")
        if description:
            spec["description"] = " ".join(description.split())
        if isinstance(default, str | int | float) and spec.get("type") in SCALARS.values():
            spec["default"] = default
        return spec

    def type_spec(self, kind: Any) -> dict[str, Any]:
        """Schema type of an annotation."""
        if kind in SCALARS:
            return {"type": SCALARS[kind]}
        if kind is Any:
            return dict(ANY)
        origin, parts = get_origin(kind), get_args(kind)
        if choices := tagged_models(kind):
            return self.choice_spec(choices)
        if origin is Literal:
            return {"type": "string", "const": str(parts[0])}
        if origin in {Union, types.UnionType, Annotated}:
            return self.type_spec(parts[0])
        if origin is list:
            return {"type": "array", "items": self.type_spec(parts[0])}
        if origin in {dict, Mapping}:
            return {"type": "object", "additionalProperties": self.type_spec(parts[1])}
        if isinstance(kind, type) and issubclass(kind, BaseModel | StrEnum):
            return dict(self.reference(kind))
        raise TypeError(f"{kind!r} cannot be written in a package schema; use a model, an enum, a list or a map")

    def choice_spec(self, choices: dict[str, type[BaseModel]]) -> dict[str, Any]:
        """Discriminated union of models."""
        references = {tag: self.reference(model)["$ref"] for tag, model in choices.items()}
        name, _ = tag_of(next(iter(choices.values())))
        return {
            "oneOf": [{"type": "object", "$ref": reference} for reference in references.values()],
            "discriminator": {"propertyName": camel(name), "mapping": references},
        }


def package_schema(components: list[type], version: str) -> str:
    """The whole package as JSON."""
    schema = Schema()
    resources = {f"{PACKAGE}:index:{kind.__name__}": component_spec(schema, kind) for kind in components}
    return json.dumps(
        {
            "name": PACKAGE,
            "version": version,
            "description": "MCP services on Kubernetes: meshed, observed, autoscaled",
            "resources": resources,
            "types": dict(sorted(schema.types.items())),
            "language": {name: {"respectSchemaVersion": True} for name in ("csharp", "go", "nodejs", "python")},
        },
        indent=2,
    )


def component_spec(schema: Schema, kind: type) -> dict[str, Any]:
    """One component: inputs from its arguments' model, outputs from its annotations."""
    inputs = schema.object_spec(arguments_model(kind))
    outputs = own_texts(kind)
    output_types = {name: Schema().type_spec(get_args(kind.__annotations__[name])[0]) for name in outputs}
    return {
        "isComponent": True,
        "type": "object",
        "description": doc(kind),
        "inputProperties": inputs["properties"],
        "requiredInputs": inputs["required"],
        "properties": {camel(name): {**output_types[name], "description": text} for name, text in outputs.items()},
        "required": [camel(name) for name in outputs],
    }


def arguments_model(kind: type) -> type[BaseModel]:
    """The model that a component's constructor takes as `args`."""
    annotation = inspect.signature(kind.__init__).parameters["args"].annotation  # type: ignore[misc]  # of a class
    choices = get_args(annotation) or (annotation,)
    return next(choice for choice in choices if isinstance(choice, type) and issubclass(choice, BaseModel))


def field_texts(model: type[BaseModel]) -> dict[str, str]:
    """Field name -> its documentation on one line, inherited from bases."""
    bases = [base for base in reversed(model.mro()) if issubclass(base, BaseModel) and base is not BaseModel]
    return {name: text for base in bases for name, text in own_texts(base).items()}


def own_texts(kind: type) -> dict[str, str]:
    """Annotated name in a class body -> the string below it, on one line."""
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    assert isinstance(body, ast.ClassDef)  # noqa: S101 - the source of a class is a class
    found = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
            found[field.target.id] = " ".join(str(ast.literal_eval(text.value)).split())
    return found


def enum_spec(kind: type[StrEnum]) -> dict[str, Any]:
    """An enum with its values."""
    return {
        "type": "string",
        "description": doc(kind),
        "enum": [{"name": item.name, "value": item.value} for item in kind],
    }


def doc(kind: type) -> str:
    """A class's own docstring, dedented."""
    return inspect.cleandoc(kind.__doc__ or "")
