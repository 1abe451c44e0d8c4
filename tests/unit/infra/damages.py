"""Single mutations of the objects of a stack, and the resulting issues as lines."""

from collections.abc import Callable
from typing import Any

from meshed_mcp.components.core.errors import ConfigIssue
from meshed_mcp.components.core.manifest import Manifest

Damage = Callable[[list[Manifest]], None]
"""Changes objects in place."""


def one(objects: list[Manifest], kind: str, name: str) -> Any:
    """The object of a kind and name."""
    (found,) = [item for item in objects if item["kind"] == kind and item["metadata"]["name"] == name]
    return found


def lines(found: list[ConfigIssue]) -> list[str]:
    """Issues as lines."""
    return [str(issue) for issue in found]


def damage(kind: str, name: str, path: str, value: Any) -> Damage:
    """Sets one field, `spec.http.0.route`, of one object."""

    def apply(objects: list[Manifest]) -> None:
        *steps, last = path.split(".")
        target: Any = one(objects, kind, name)
        for step in steps:
            target = target[int(step)] if isinstance(target, list) else target.setdefault(step, {})
        if isinstance(target, list):
            target[int(last)] = value
        else:
            target[last] = value

    return apply
