"""Base models of the Kubernetes objects that the local run translates.

A field that can affect a request is in a model of `Fields`, or it is rejected by object and path. Models of
`LenientFields` accept fields without effect on one machine; `unread` lists them for one warning.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from meshed_mcp.error_codes.code import Message, MessageError
from meshed_mcp.error_codes.local import FIELD_INVALID, FIELD_NOT_RUN, FIELD_VALUE_NOT_RUN, INVALID_DURATION
from meshed_mcp.local.errors import LocalRunError


class Fields(BaseModel):
    """Fields under the names of the Kubernetes API; others are rejected."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)


class LenientFields(Fields):
    """Fields under the names of the Kubernetes API; others have no effect on one machine and are kept unread."""

    model_config = ConfigDict(extra="allow")


F = TypeVar("F", bound=Fields)

TYPE_PREFIX: Final = "type.googleapis.com/"
"""Prefix of the location step that pydantic adds for a discriminated union. Source: protobuf, `Any`."""

_SECONDS_PER: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")


def seconds(duration: str) -> float:
    """Seconds of a Go duration such as `1m30s` or `250ms`. Source: Istio API, type Duration."""
    parts = _DURATION.findall(duration)
    if "".join(number + unit for number, unit in parts) != duration or not parts:
        raise INVALID_DURATION.error(duration=duration)
    return sum(float(number) * _SECONDS_PER[unit] for number, unit in parts)


def _checked(duration: str) -> str:
    seconds(duration)
    return duration


Duration = Annotated[str, AfterValidator(_checked)]


def title(item: dict[str, Any]) -> str:
    """Name of an object in messages: `VirtualService mcp-system/mcp-rag`."""
    meta = item.get("metadata") or {}
    namespace = meta.get("namespace")
    return f"{item.get('kind')} {namespace + '/' if namespace else ''}{meta.get('name')}"


def read(model: type[F], item: dict[str, Any]) -> F:
    """The object as its model. Raises LocalRunError with one line per field that cannot be run."""
    try:
        return model.model_validate(item)
    except ValidationError as error:
        raise LocalRunError(*(each for cause in _causes(error) for each in _messages(title(item), cause))) from None


def unread(value: object, path: str = "") -> Iterator[str]:
    """Paths of the fields that a model of LenientFields accepted without reading them, such as `spec.strategy`."""
    if isinstance(value, tuple):
        for each in value:
            yield from unread(each, f"{path}[]")
    elif isinstance(value, Fields):
        prefix = f"{path}." if path else ""
        yield from (prefix + name for name in value.model_extra or ())
        for name, field in type(value).model_fields.items():
            yield from unread(getattr(value, name), prefix + (field.alias or name))


def _causes(error: ValidationError) -> list[ErrorDetails]:
    """The errors without consequences: pydantic reports a list of invalid members as too short as well."""
    found = error.errors(include_url=False)
    inside = {each["loc"][:depth] for each in found for depth in range(len(each["loc"]))}
    return [each for each in found if each["type"] != "too_short" or each["loc"] not in inside]


def _messages(owner: str, error: ErrorDetails) -> Sequence[Message]:
    path = _path(error["loc"])
    where = f"{owner}: {path}" if path else owner
    match error["type"]:
        case "extra_forbidden":
            return [FIELD_NOT_RUN.message(where=where)]
        case "literal_error":
            known = error["ctx"]["expected"]
            return [FIELD_VALUE_NOT_RUN.message(where=where, value=error["input"], known=known)]
        case "value_error" if isinstance(error["ctx"]["error"], MessageError):
            return [message.at(where) for message in error["ctx"]["error"].messages]
        case _:
            return [FIELD_INVALID.message(where=where, reason=error["msg"])]


def _path(loc: Sequence[int | str]) -> str:
    path = ""
    for step in loc:
        if str(step).startswith(TYPE_PREFIX):
            continue
        if isinstance(step, int):
            path += f"[{step}]"
        elif re.fullmatch(r"\w+", step):
            path += f".{step}"
        else:
            path += f"['{step}']"
    return path.removeprefix(".")
