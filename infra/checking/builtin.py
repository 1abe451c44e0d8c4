"""Built-in Kubernetes kinds: unknown fields and wrong scalar types, by the types that pulumi-kubernetes generates.

An object in, (field path, sentence) pairs out. What only a server knows (immutable fields, admission) is not judged.
"""

import importlib
import types
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final, ForwardRef, Union, get_args, get_origin

from pulumi import Output, _types

from meshed_mcp.components.core.errors import excerpt, suggestion
from meshed_mcp.components.core.manifest import Manifest

SCALARS: Final[dict[type, tuple[type, ...]]] = {str: (str,), int: (int,), bool: (bool,), float: (int, float)}


@cache
def input_type(api_version: str, kind: str) -> type | None:
    """The generated input type of a built-in kind, e.g. `apps/v1` `Deployment`; None for any other."""
    group, _, version = api_version.rpartition("/")
    if "." in group and not group.endswith(".k8s.io"):
        return None
    module = f"pulumi_kubernetes.{(group or 'core').removesuffix('.k8s.io').split('.')[0]}.{version}._inputs"
    try:
        return getattr(importlib.import_module(module), f"{kind}Args", None)
    except ModuleNotFoundError:
        return None


def knows(api_version: str, kind: str) -> bool:
    """Whether this kind is judged here."""
    return input_type(api_version, kind) is not None


def unknown_fields(item: Manifest) -> Iterator[tuple[str, str]]:
    """What the API server would refuse or prune in an object of a built-in kind."""
    found = input_type(item["apiVersion"], item["kind"])
    if found is not None:
        yield from differences(found, item, "")


def differences(expected: Any, value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Where `value` is not an `expected`: a generated input type, a list, a map or a scalar."""
    choices = alternatives(expected)
    if not choices:
        return
    found = choices[0]
    if _types.is_input_type(found):
        yield from object_differences(found, value, path)
    elif get_origin(found) is Sequence:
        if isinstance(value, list):
            for index, element in enumerate(value):
                yield from differences(get_args(found)[0], element, f"{path}[{index}]")
        else:
            yield path, f"{excerpt(value)} is not a list"
    elif get_origin(found) is Mapping:
        if isinstance(value, dict):
            for key, element in value.items():
                yield from differences(get_args(found)[1], element, f"{path}.{key}")
        else:
            yield path, f"{excerpt(value)} is not a mapping"
    elif not any(is_scalar(choice, value) for choice in choices):
        yield path, f"{excerpt(value)} is not {' or '.join(choice.__name__ for choice in choices if choice in SCALARS)}"


def object_differences(expected: type, value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Unknown fields of one object, and the differences inside its known ones."""
    if not isinstance(value, dict):
        yield path, f"{excerpt(value)} is not a mapping"
        return
    known = _types.input_type_types(expected)
    for key, element in value.items():
        field = f"{path}.{key}".removeprefix(".")
        if key not in known:
            yield field, f"unknown field; {suggestion(key, sorted(known))}"
        elif element is not None:
            yield from differences(known[key], element, field)


def alternatives(expected: Any) -> list[Any]:
    """The plain types behind `Input[Optional[T]]`; empty where anything goes."""
    if get_origin(expected) in {Union, types.UnionType}:
        return [choice for part in get_args(expected) for choice in alternatives(part)]
    if expected in {Any, type(None)} or isinstance(expected, ForwardRef):
        return []
    if get_origin(expected) in {Awaitable, Output} or expected is Output or get_origin(expected) is Awaitable:
        return []
    if get_origin(expected) is not None and get_origin(expected) not in {Sequence, Mapping}:
        literal = get_args(expected)
        return [type(literal[0])] if literal else []
    return [expected]


def is_scalar(expected: Any, value: Any) -> bool:
    """Whether `value` is written in the right scalar type; a bool is no int."""
    if expected not in SCALARS:
        return True
    return isinstance(value, SCALARS[expected]) and (expected is bool or not isinstance(value, bool))
