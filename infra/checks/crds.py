"""Conversion of CustomResourceDefinitions to JSON Schemas that reject unknown fields, without descriptions.

CEL rules are not converted; the tests run them on a real API server.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

Schema = dict[str, Any]

OBJECT_META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
"""Kubernetes' schema of `metadata`."""

KEPT_KEYWORDS: Final = frozenset(
    {
        *("$ref", "type", "enum", "required", "pattern"),
        *("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
    }
)
"""Keywords with the same meaning in structural schemas and in JSON Schema."""


@cache
def crd_schemas(folder: Path) -> Mapping[tuple[str, str], Schema]:
    """(apiVersion, kind) -> JSON Schema of every served version of every CRD in the `*.yaml` files of `folder`."""
    return {key: schema for path in sorted(folder.glob("*.yaml")) for key, schema in file_schemas(path)}


def file_schemas(path: Path) -> Iterator[tuple[tuple[str, str], Schema]]:
    """((apiVersion, kind), JSON Schema) of every served version in one CRD file, in its order."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    documents = [each for each in yaml.load_all(path.read_bytes(), loader) if each]
    specs = [each["spec"] for each in documents if each.get("kind") == "CustomResourceDefinition"]
    served = [(spec, version) for spec in specs for version in spec["versions"] if version["served"]]
    for spec, version in served:
        schema = strict_schema(version["schema"]["openAPIV3Schema"])
        schema["properties"] |= {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"$ref": f"#/$defs/{OBJECT_META}"},
        }
        yield (f"{spec['group']}/{version['name']}", spec["names"]["kind"]), schema


def strict_schema(schema: Mapping[str, Any]) -> Schema:
    """JSON Schema that rejects fields that the API server would prune."""
    result = schema_keywords(schema)
    properties = schema.get("properties", {})
    if properties:
        result["properties"] = {name: strict_schema(item) for name, item in properties.items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields") and "additionalProperties" not in schema:
            result["additionalProperties"] = False
    if "required" in result:  # the API server fills in defaults before it validates
        result["required"] = [name for name in result["required"] if "default" not in properties.get(name, {})]
    for keyword in ("items", "additionalProperties"):
        if keyword in schema:
            value = schema[keyword]
            result[keyword] = strict_schema(value) if isinstance(value, dict) else value
    return result


def schema_keywords(schema: Mapping[str, Any]) -> Schema:
    """Keywords of one value without its properties and items; alternatives repeat some fields, so they stay open."""
    result = {keyword: value for keyword, value in schema.items() if keyword in KEPT_KEYWORDS}
    for keyword in ("allOf", "anyOf", "oneOf"):
        if keyword in schema:
            result[keyword] = [open_schema(item) for item in schema[keyword]]
    if "not" in schema:
        result["not"] = open_schema(schema["not"])
    if schema.get("x-kubernetes-int-or-string"):
        result.pop("anyOf", None)
        result["type"] = ["integer", "string"]
    if schema.get("nullable") and "type" in result:
        types = result["type"]
        result["type"] = [*(types if isinstance(types, list) else [types]), "null"]
        if "enum" in result:
            result["enum"] = [*result["enum"], None]
    return result


def open_schema(schema: Mapping[str, Any]) -> Schema:
    """JSON Schema of one alternative, which accepts the fields of the other alternatives."""
    result = schema_keywords(schema)
    if "properties" in schema:
        result["properties"] = {name: open_schema(item) for name, item in schema["properties"].items()}
    if "items" in schema:
        result["items"] = open_schema(schema["items"])
    return result
