"""Objects against their kinds' schemas: an unknown field, a wrong type or a missing field is a fault.

Custom kinds are judged by the `openAPIV3Schema` of their CRDs, read from files; built-in kinds by the types that
pulumi-kubernetes generates from the Kubernetes API. CEL rules are not run: in the tests, a real API server does that.
"""

import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from jsonschema import Draft202012Validator

from meshed_mcp.components.core.errors import Fault, excerpt, suggestion
from meshed_mcp.components.core.manifest import Manifest, identity
from meshed_mcp.infra.checking import builtin

CRD_DIR_VARIABLE: Final = "CRD_DIR"
"""Environment variable: folder with CRD files (`*.yaml`)."""

ANY_OBJECT: Final = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}
"""Fields that every object has and CRD schemas leave to Kubernetes."""


def crd_folder() -> Path | None:
    """Where CRD files are: `$CRD_DIR`, else `shared/crds` beside a source checkout; None if neither is there."""
    named = os.environ.get(CRD_DIR_VARIABLE)
    folder = Path(named) if named else Path(__file__).resolve().parents[2].parent / "shared" / "crds"
    return folder if folder.is_dir() else None


@cache
def crd_schemas(folder: Path) -> Mapping[tuple[str, str], dict[str, Any]]:
    """(apiVersion, kind) -> closed JSON schema, of every served version of every CRD in `folder`."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for path in sorted(folder.glob("*.yaml")):
        for crd in yaml.load_all(path.read_bytes(), loader):
            if crd and crd.get("kind") == "CustomResourceDefinition":
                found.update(versions(crd))
    return found


def versions(crd: dict[str, Any]) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    """The served versions of one CRD."""
    spec = crd["spec"]
    for version in spec["versions"]:
        if version["served"]:
            key = f"{spec['group']}/{version['name']}", spec["names"]["kind"]
            yield key, closed(version["schema"]["openAPIV3Schema"], extra=ANY_OBJECT)


def closed(schema: Any, extra: Mapping[str, Any] | None = None) -> Any:
    """`schema` with unknown fields refused wherever the API server would prune them."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: closed_part(key, value) for key, value in schema.items()}
    if "properties" in schema:
        result["properties"] = {**result["properties"], **(extra or {})}
        if not schema.get("x-kubernetes-preserve-unknown-fields") and "additionalProperties" not in schema:
            result["additionalProperties"] = False
    return result


def closed_part(key: str, value: Any) -> Any:
    """One keyword of a schema: sub-schemas are closed; alternatives are not, they repeat only part of the fields."""
    if key == "properties":
        return {name: closed(item) for name, item in value.items()}
    return closed(value) if key in {"items", "additionalProperties"} else value


def schema_faults(item: Manifest, schemas: Mapping[tuple[str, str], dict[str, Any]]) -> list[Fault]:
    """What the API server would refuse in one object, or prune without a word."""
    api_version, kind, namespace, name = identity(item)
    where = f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"
    if builtin.knows(api_version, kind):
        return [Fault(where, field, message) for field, message in builtin.unknown_fields(item)]
    schema = schemas.get((api_version, kind))
    if schema is None:
        return [Fault(where, "apiVersion", f"no served version {api_version} of {kind} is known")] if schemas else []
    errors = Draft202012Validator(schema).iter_errors(item)
    return [fault for error in errors for fault in error_faults(where, error)]


def error_faults(where: str, error: Any) -> Iterator[Fault]:
    """One JSON schema error as faults, one per unknown field."""
    path = error.json_path.removeprefix("$").removeprefix(".")
    if error.validator == "additionalProperties":
        known = sorted(error.schema["properties"])
        for name in sorted(set(error.instance) - set(known)):
            yield Fault(where, f"{path}.{name}".removeprefix("."), f"unknown field; {suggestion(name, known)}")
    else:
        yield Fault(where, path, excerpt_message(error))


def excerpt_message(error: Any) -> str:
    """The validator's sentence with a bounded value in it."""
    message = str(error.message)
    value = repr(error.instance)
    return message.replace(value, excerpt(error.instance)) if value in message else message
