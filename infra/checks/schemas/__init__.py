"""JSON Schemas of Kubernetes' kinds and of the CRDs that a stack uses, as package data.

`make schemas` writes the files: one per release that they come from, `index.json` names the file of each API group.
A file is parsed when a kind of its groups is first asked for.
"""

import json
from collections import ChainMap
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

Schema = dict[str, Any]

KUBERNETES: Final = "kubernetes"
"""The file of the built-in kinds. The other files refer to its definitions."""

INDEX: Final = "index"


def published_schema(api_version: str, kind: str) -> Schema | None:
    """The schema of a kind with every definition that it refers to; None if no file has it."""
    name = published_file(api_version)
    if name is None:
        return None
    definition = parsed(name)["kinds"].get(f"{api_version} {kind}")
    return None if definition is None else with_definitions({"$ref": f"#/$defs/{definition}"}, name)


def published_file(api_version: str) -> str | None:
    """The file that describes the group of an apiVersion."""
    found = parsed(INDEX)["groups"].get(api_version.rpartition("/")[0])
    return None if found is None else str(found)


def published_kinds(api_version: str) -> list[tuple[str, str]]:
    """(apiVersion, kind) of every kind known in the group of an apiVersion."""
    name, group = published_file(api_version), api_version.rpartition("/")[0]
    pairs = [] if name is None else [tuple(key.split(" ")) for key in parsed(name)["kinds"]]
    return [(version, kind) for version, kind in pairs if version.rpartition("/")[0] == group]


def with_definitions(schema: Schema, name: str = KUBERNETES) -> Schema:
    """`schema` with `$defs`: what it refers to, from the file `name` or from Kubernetes' own."""
    known = ChainMap(parsed(name)["$defs"], parsed(KUBERNETES)["$defs"])
    return {**schema, "$defs": definitions_of(schema, known)}


def definitions_of(value: Any, known: Mapping[str, Schema]) -> dict[str, Schema]:
    """The definitions that `value` refers to, and those that these refer to."""
    needed: dict[str, Schema] = {}
    waiting = list(references(value))
    while waiting:
        definition = waiting.pop()
        if definition not in needed:
            needed[definition] = known[definition]
            waiting += references(known[definition])
    return needed


def references(value: Any) -> Iterator[str]:
    """Names of the definitions that a schema refers to."""
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
def parsed(name: str) -> dict[str, Any]:
    """One file of this folder: its `source`, the definition of each kind, the definitions."""
    return dict(json.loads(files(__package__).joinpath(f"{name}.json").read_bytes()))
