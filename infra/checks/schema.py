"""Schema validation of objects: unknown fields, wrong types, missing fields.

Schemas of Kubernetes and of the CRDs that a stack uses are package data (`schemas/`); `$CRD_DIR` adds other CRDs. CEL
rules are not evaluated; the tests run them on a real API server.
"""

import os
import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema_rs

from meshed_mcp.components.core.errors import ConfigIssue, ConfigurationError, excerpt, suggestion
from meshed_mcp.components.core.manifest import Manifest, identity
from meshed_mcp.error_codes import check as codes
from meshed_mcp.error_codes.code import Message
from meshed_mcp.infra.checks import schemas
from meshed_mcp.infra.checks.crds import crd_schemas
from meshed_mcp.infra.checks.references import object_title

CRD_DIR_VARIABLE: Final = "CRD_DIR"
"""Environment variable: folder with CRD files (`*.yaml`), for other custom kinds or versions."""

VALUE_MARK: Final = "\N{OBJECT REPLACEMENT CHARACTER}"
"""Placeholder of the value in the validator's message."""

MISSPELLED: Final = 0.9
"""Similarity from which an unknown kind counts as misspelled, not as a kind without a schema."""

PLAIN_NAME: Final = re.compile(r"[\w-]+")


def crd_folder() -> Path | None:
    """Folder in `$CRD_DIR`; None if unset. Raises ConfigurationError if it is not a folder."""
    named = os.environ.get(CRD_DIR_VARIABLE)
    if not named:
        return None
    if not Path(named).is_dir():
        raise ConfigurationError([ConfigIssue(CRD_DIR_VARIABLE, "", codes.CRD_DIR_NOT_A_FOLDER.message(named=named))])
    return Path(named)


def schema_issues(item: Manifest) -> list[ConfigIssue]:
    """Fields of one object that the API server would reject or prune."""
    api_version, kind, _, _ = identity(item)
    where = object_title(item)
    found = validator(api_version, kind, crd_folder())
    if found is None:
        message = unknown_kind(api_version, kind)
        return [ConfigIssue(where, "apiVersion", message)] if message else []
    schema, compiled = found
    value = without_nulls(item) if schemas.published_file(api_version) == schemas.KUBERNETES else item
    return [issue for error in compiled.iter_errors(value) for issue in error_issues(where, error, schema)]


def unchecked_kinds(items: Iterable[Manifest]) -> list[Message]:
    """A note on each kind without a schema."""
    kinds = sorted({(item["apiVersion"], item["kind"]) for item in items})
    return [
        codes.KIND_NOT_CHECKED.message(kind=kind, api_version=api_version, variable=CRD_DIR_VARIABLE)
        for api_version, kind in kinds
        if validator(api_version, kind, crd_folder()) is None and not unknown_kind(api_version, kind)
    ]


@cache
def validator(api_version: str, kind: str, folder: Path | None) -> tuple[schemas.Schema, Any] | None:
    """Schema of a kind and its validator; None if neither `folder` nor the package has one."""
    own = crd_schemas(folder).get((api_version, kind)) if folder else None
    schema = schemas.with_definitions(own) if own else schemas.published_schema(api_version, kind)
    return None if schema is None else (schema, jsonschema_rs.Draft202012Validator(schema, mask=VALUE_MARK))


def unknown_kind(api_version: str, kind: str) -> Message | None:
    """Issue of an unserved version or a misspelled kind; None for other kinds without a schema."""
    known = schemas.published_kinds(api_version)
    versions = sorted({version for version, name in known if name == kind})
    if versions:
        return codes.UNKNOWN_API_VERSION.message(api_version=api_version, kind=kind, versions=", ".join(versions))
    close = get_close_matches(kind, sorted({name for _, name in known}), n=1, cutoff=MISSPELLED)
    return codes.UNKNOWN_KIND.message(api_version=api_version, kind=kind, suggested=close[0]) if close else None


def without_nulls(value: Any) -> Any:
    """`value` without null fields, which built-in kinds treat as absent."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def error_issues(where: str, error: Any, schema: schemas.Schema) -> Iterator[ConfigIssue]:
    """Issues of one validator error, one per unknown field."""
    path = "".join(map(field_step, error.instance_path))
    if error.kind.name == "additionalProperties":
        for step in error.schema_path[:-1]:
            schema = schema[step]
        for name in sorted(error.kind.unexpected):
            known = suggestion(name, sorted(schema["properties"]))
            field = f"{path}{field_step(name)}".removeprefix(".")
            yield ConfigIssue(where, field, codes.UNKNOWN_OBJECT_FIELD.message(suggested=known))
    else:
        reason = error.message.replace(VALUE_MARK, excerpt(error.instance))
        yield ConfigIssue(where, path.removeprefix("."), codes.OBJECT_SCHEMA.message(reason=reason))


def field_step(step: str | int) -> str:
    """One step of a field path: `.name`, or an index or other name in brackets."""
    return f".{step}" if isinstance(step, str) and PLAIN_NAME.fullmatch(step) else f"[{step!r}]"
