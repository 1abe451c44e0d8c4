"""Generator of docs/reference/stack-file.md (`make golden`) from the configuration models."""

import types
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from meshed_mcp.components.core.args import written_name
from meshed_mcp.components.core.schema import field_texts
from meshed_mcp.components.core.tagged import tagged_models
from meshed_mcp.infra.config import NAMESPACE, StackConfig

HEADER: Final = f"""# Keys of a stack file

Written from the models in the code by `make golden`; do not edit. Keys of the first table are written
`{NAMESPACE}:<key>` below `config:` in `Pulumi.<stack>.yaml`; every other table is a structure inside them.
"""

SCALARS: Final = {str: "text", int: "whole number", float: "number", bool: "true or false", Any: "anything"}


def page() -> str:
    """The whole page."""
    return "\n".join([HEADER, *(line for model in models(StackConfig, []) for line in table(model))])


def models(model: type[BaseModel], seen: list[type[BaseModel]]) -> list[type[BaseModel]]:
    """`model` and all nested models, depth first."""
    if model not in seen:
        seen.append(model)
        for field in model.model_fields.values():
            for inner in inner_types(field.annotation):
                if isinstance(inner, type) and issubclass(inner, BaseModel):
                    models(inner, seen)
    return seen


def inner_types(kind: Any) -> Iterator[Any]:
    """Every type inside an annotation, itself included."""
    yield kind
    for part in get_args(kind):
        yield from inner_types(part)


def table(model: type[BaseModel]) -> Iterator[str]:
    """One model: its docstring's first paragraph and a row per field."""
    yield f"## {model.__name__}\n"
    yield f"{first_paragraph(model)}\n"
    yield "| key | value | default | meaning |"
    yield "| --- | --- | --- | --- |"
    texts = field_texts(model)
    for name, field in model.model_fields.items():
        meaning = meaning_text(field, texts.get(name, "")).replace("|", "\\|")
        value = f"{value_text(field.annotation)}{bounds(field)}"
        yield f"| `{written_name(name)}` | {value} | {default_text(field)} | {meaning} |"
    yield ""


def meaning_text(field: FieldInfo, text: str) -> str:
    """The documentation of a field, otherwise that of its model."""
    nested = [kind for kind in inner_types(field.annotation) if isinstance(kind, type) and issubclass(kind, BaseModel)]
    return text or "".join(first_paragraph(model) for model in nested[:1])


def first_paragraph(model: type[BaseModel]) -> str:
    """The first paragraph of a model's docstring, on one line."""
    return " ".join((model.__doc__ or "").split("\n\n", maxsplit=1)[0].split())


def value_text(kind: Any) -> str:
    """The value column of a type: `text`, a list, a link to another table, the choices of an enum."""
    origin, parts = get_origin(kind), get_args(kind)
    if choices := tagged_models(kind):
        return " or ".join(value_text(model) for model in choices.values())
    if origin is Literal:
        return f"`{parts[0]}`"
    if origin in {Union, types.UnionType, Annotated}:
        return value_text(parts[0])
    if origin is list:
        return f"list of {value_text(parts[0])}"
    if origin in {dict, Mapping}:
        return f"name -> {value_text(parts[1])}"
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return ", ".join(f"`{choice.value}`" for choice in kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return f"[{kind.__name__}](#{kind.__name__.lower()})"
    return SCALARS.get(kind, "text")


def bounds(field: FieldInfo) -> str:
    """`, 1 to 1000`."""
    found = {name: getattr(item, name) for item in field.metadata for name in ("ge", "le") if hasattr(item, name)}
    if len(found) > 1:
        return f", {found['ge']} to {found['le']}"
    return "".join(f", at {'least' if name == 'ge' else 'most'} {value}" for name, value in found.items())


def default_text(field: FieldInfo) -> str:
    """The default as in a stack file; `its own` for the defaults of a nested model."""
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is PydanticUndefined:
        return "**required**"
    if isinstance(value, BaseModel):
        changed = value.model_dump(exclude_defaults=True, mode="json")
        return ", ".join(f"`{name}: {item}`" for name, item in changed.items()) or "its own"
    if value is None or value in ({}, []):
        return "none"
    return (
        f"`{value.value if isinstance(value, StrEnum) else str(value).lower() if isinstance(value, bool) else value}`"
    )
