"""Base model of all component arguments: frozen, without extra fields, documented by the strings below the fields.

Python and stack files use `max_replicas`, other languages `maxReplicas`. `In[T]` marks a value that is only passed
through, so it may be an output.
"""

import sys
from collections.abc import Awaitable
from typing import TYPE_CHECKING, TypeVar, Union

from pydantic import BaseModel, ConfigDict

T = TypeVar("T")


class _DeferredType(type):
    def __instancecheck__(cls, value: object) -> bool:
        pulumi = sys.modules.get("pulumi")  # without an import of Pulumi there are no outputs
        return isinstance(value, Awaitable) or (pulumi is not None and isinstance(value, pulumi.Output))


class Deferred(metaclass=_DeferredType):
    """Type of awaitables and Pulumi outputs, for pydantic."""


if TYPE_CHECKING:
    import pulumi

    In = Union[T, Awaitable[T], pulumi.Output[T]]  # noqa: UP007 - mypy takes no alias that begins with a TypeVar
else:
    In = T | Deferred
    """A value or an output of it; `pulumi.Input` has a forward reference that breaks pydantic."""


def camel(name: str) -> str:
    """`max_replicas` -> `maxReplicas`. Source: pulumi.provider.experimental, `camel_case`."""
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def written_name(name: str) -> str:
    """Name in a stack file: `for_` -> `for`, a keyword of Python."""
    return name.removesuffix("_")


class Model(BaseModel):
    """Arguments: frozen, unknown fields are rejected. `schema.field_texts` reads the documentation of fields."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        alias_generator=camel,
        populate_by_name=True,
        arbitrary_types_allowed=True,
    )
