"""Fields of pods against the structural schema of Kubernetes: unknown fields with a suggestion, wrong types, choices.

The schema is package data (`pod.json`), written by `make schemas` from the OpenAPI of an API server.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

from meshed_mcp.components.core.args import Deferred
from meshed_mcp.components.core.errors import excerpt, suggestion
from meshed_mcp.error_codes import pod as codes
from meshed_mcp.error_codes.code import Message

Schema = dict[str, Any]

CORE: Final = "io.k8s.api.core.v1."
"""Go package of the definitions of pods."""

MERGE_KEY: Final = "x-kubernetes-patch-merge-key"
"""Field by which a strategic merge patch pairs the items of a list. Source: Kubernetes, "Strategic Merge Patch"."""

TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "array": (list, tuple),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}
"""Type of JSON Schema -> types of Python."""

WORDS: Final[Mapping[str, str]] = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "a mapping",
    "string": "text in quotes",
}


@cache
def definitions() -> dict[str, Schema]:
    """All definitions by name, read on first use."""
    return dict(json.loads(files(__package__).joinpath("pod.json").read_bytes())["$defs"])


def definition(name: str) -> Schema:
    """One definition of the core group, such as `PodSpec`, or one by its full name."""
    return definitions()[name if "." in name else CORE + name]


def resolved(schema: Schema) -> Schema:
    """The schema that a reference names."""
    return definitions()[schema["$ref"].removeprefix("#/$defs/")] if "$ref" in schema else schema


def field_schema(schema: Schema, field: str) -> Schema:
    """Schema of a field of an object; empty if unknown."""
    found: Schema = resolved(schema).get("properties", {}).get(field, {})
    return found


def shape_issues(value: Any, schema: Schema, path: str = "", *, partial: bool = False) -> Iterator[Message]:
    """Issues of a value; `partial` accepts absent fields, and null, which removes a field, as in a patch."""
    schema = resolved(schema)
    if isinstance(value, Deferred) or (partial and value is None):
        return
    if not is_of_type(value, schema):
        yield codes.POD_FIELD_TYPE.message(path=path, shown=excerpt(value), wanted=wanted_types(schema))
    elif isinstance(value, dict):
        yield from object_issues(value, schema, path, partial=partial)
    elif isinstance(value, list | tuple):
        yield from list_issues(value, schema, path, partial=partial)
    elif "enum" in schema and value not in schema["enum"]:
        suggested = suggestion(str(value), schema["enum"])
        yield codes.POD_FIELD_CHOICE.message(path=path, shown=excerpt(value), suggested=suggested)


def list_issues(value: Sequence[Any], schema: Schema, path: str, *, partial: bool) -> Iterator[Message]:
    """Issues of the items; those of a list without a merge key replace the list, so they must be whole."""
    items = schema.get("items", {})
    for number, item in enumerate(value):
        merges = partial and MERGE_KEY in schema and item is not None
        yield from shape_issues(item, items, f"{path}[{number}]", partial=merges)


def object_issues(value: Mapping[str, Any], schema: Schema, path: str, *, partial: bool) -> Iterator[Message]:
    """Unknown and missing fields of an object, and the issues of its values."""
    known = schema.get("properties", {})
    for name, item in value.items():
        where = f"{path}.{name}".lstrip(".")
        if name in known:
            yield from shape_issues(item, known[name], where, partial=partial)
        elif isinstance(others := schema.get("additionalProperties", True), dict):
            yield from shape_issues(item, others, where, partial=partial)
        elif not others:
            yield codes.POD_FIELD_UNKNOWN.message(path=where, suggested=suggestion(str(name), sorted(known)))
    for name in () if partial else schema.get("required", ()):
        if name not in value:
            yield codes.POD_FIELD_MISSING.message(path=f"{path}.{name}".lstrip("."), name=name)


def is_of_type(value: Any, schema: Schema) -> bool:
    """Whether a value has one of a schema's types; a boolean is no number."""
    names = type_names(schema)
    allowed = tuple(kind for name in names for kind in TYPES[name])
    return not names or (isinstance(value, allowed) and (bool in allowed or not isinstance(value, bool)))


def wanted_types(schema: Schema) -> str:
    """Types of a schema in words."""
    return " or ".join(WORDS[name] for name in type_names(schema))


def type_names(schema: Schema) -> Sequence[str]:
    """Names of a schema's types."""
    found = schema.get("type", ())
    return [found] if isinstance(found, str) else list(found)
