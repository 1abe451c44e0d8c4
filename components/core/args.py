"""The base of every component's arguments: frozen, closed, documented by the strings beneath the fields.

Python importers and stack files write `max_replicas`; other languages send `maxReplicas`, by Pulumi's own camel rule.
`In[T]` marks a value that is only passed through, so it may be an output; whatever decides the shape is plain.
"""

import sys
from collections.abc import Awaitable
from typing import TYPE_CHECKING, TypeVar, Union

from pydantic import BaseModel, ConfigDict

T = TypeVar("T")


class _DeferredType(type):
    def __instancecheck__(cls, value: object) -> bool:
        pulumi = sys.modules.get("pulumi")  # no module imports Pulumi for this check: without it there are no outputs
        return isinstance(value, Awaitable) or (pulumi is not None and isinstance(value, pulumi.Output))


class Deferred(metaclass=_DeferredType):
    """Any awaitable or Pulumi output, for pydantic. It has no instances of its own."""


if TYPE_CHECKING:
    import pulumi

    In = Union[T, Awaitable[T], pulumi.Output[T]]  # noqa: UP007 - mypy takes no alias that begins with a TypeVar
else:
    In = T | Deferred
    """A plain value or an output of it. `pulumi.Input` has a forward reference that breaks pydantic."""


def camel(name: str) -> str:
    """Name on the wire: `max_replicas` -> `maxReplicas`. Source: pulumi.provider.experimental, `camel_case`."""
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def written_name(name: str) -> str:
    """Name in a stack file: `for_` -> `for`, as a field cannot be named like a keyword of Python."""
    return name.removesuffix("_")


class Model(BaseModel):
    """Arguments: unknown keys are refused, values never change, the text under a field is its documentation.

    `schema.field_texts` reads those texts. Not pydantic, which would read the source of each class at its import.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        alias_generator=camel,
        populate_by_name=True,
        arbitrary_types_allowed=True,
    )
