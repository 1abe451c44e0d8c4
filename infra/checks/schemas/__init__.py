"""JSON Schemas of Kubernetes and of the CRDs that a stack uses, as package data written by `make schemas`.

One file per upstream release; `index.json` maps API groups to files. Files are parsed on first use.
"""

import json
from collections import ChainMap
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

Schema = dict[str, Any]

KUBERNETES: Final = "kubernetes"
"""File of the built-in kinds, whose definitions the other files reference."""

INDEX: Final = "index"


def published_schema(api_version: str, kind: str) -> Schema | None:
    """Schema of a kind with all referenced definitions; None if no file has it."""
    name = published_file(api_version)
    if name is None:
        return None
    definition = schema_file(name)["kinds"].get(f"{api_version} {kind}")
    return None if definition is None else with_definitions({"$ref": f"#/$defs/{definition}"}, name)


def published_file(api_version: str) -> str | None:
    """File of an API group; None if there is none."""
    found = schema_file(INDEX)["groups"].get(api_version.rpartition("/")[0])
    return None if found is None else str(found)


def published_kinds(api_version: str) -> list[tuple[str, str]]:
    """(apiVersion, kind) of every known kind in the group of an apiVersion."""
    name, group = published_file(api_version), api_version.rpartition("/")[0]
    pairs = [] if name is None else [tuple(key.split(" ")) for key in schema_file(name)["kinds"]]
    return [(version, kind) for version, kind in pairs if version.rpartition("/")[0] == group]


def with_definitions(schema: Schema, name: str = KUBERNETES) -> Schema:
    """`schema` with `$defs` of all referenced definitions, from the file `name` or from Kubernetes."""
    known = ChainMap(schema_file(name)["$defs"], schema_file(KUBERNETES)["$defs"])
    return {**schema, "$defs": definitions_of(schema, known)}


def definitions_of(value: Any, known: Mapping[str, Schema]) -> dict[str, Schema]:
    """Definitions that `value` references, transitively."""
    needed: dict[str, Schema] = {}
    waiting = list(references(value))
    while waiting:
        definition = waiting.pop()
        if definition not in needed:
            needed[definition] = known[definition]
            waiting += references(known[definition])
    return needed


def references(value: Any) -> Iterator[str]:
    """Names of the definitions that a schema references."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "$ref" and isinstance(item, str):
                yield item.removeprefix("#/$defs/")
            else:
                yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


@cache
def schema_file(name: str) -> dict[str, Any]:
    """One file of this folder: `source`, `kinds` and `$defs`."""
    return dict(json.loads(files(__package__).joinpath(f"{name}.json").read_bytes()))
