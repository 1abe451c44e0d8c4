"""Discriminated unions of models, such as `rollout: {strategy: canary, ...}`, for errors and schemas."""

import types
from enum import StrEnum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

Location = tuple[str | int, ...]


def tagged_models(kind: Any) -> dict[str, type[BaseModel]]:
    """Tag -> model of a discriminated union, in order; empty for other types."""
    if get_origin(kind) is Annotated:
        return tagged_models(get_args(kind)[0])
    parts = get_args(kind) if get_origin(kind) in {Union, types.UnionType} else ()
    found = {tag: part for part in parts if is_model(part) and (tag := tag_of(part)[1])}
    return found if len(found) > 1 and len(found) == len(parts) else {}


def tag_of(model: type[BaseModel]) -> tuple[str, str]:
    """Name and value of a model's tag field (of type Literal); both empty without one."""
    for name, field in model.model_fields.items():
        if get_origin(field.annotation) is Literal:
            (value, *_) = get_args(field.annotation)
            return name, value.value if isinstance(value, StrEnum) else str(value)
    return "", ""


def is_model(kind: Any) -> bool:
    """Whether `kind` is a model."""
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def untagged(model: type[BaseModel], location: Location) -> Location:
    """An error's location without the tags that pydantic adds to it."""
    kept: list[str | int] = []
    kind: Any = model
    for step in location:
        choices = tagged_models(kind)
        if step in choices:
            kind = choices[str(step)]
            continue
        kept.append(step)
        kind = inside(kind, step)
    return tuple(kept)


def inside(kind: Any, step: str | int) -> Any:
    """Type of the element at `step` in a value of type `kind`; None if unknown."""
    if is_model(kind):
        field = kind.model_fields.get(str(step))
        return field.annotation if field else None
    if get_origin(kind) in {Union, types.UnionType, Annotated}:
        return next((found for part in get_args(kind) if (found := inside(part, step))), None)
    return get_args(kind)[-1] if get_args(kind) else None
