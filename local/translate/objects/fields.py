"""Strict reading of a Kubernetes object: a field that is not in its model is refused by name and path.

Plain dict in, frozen model out, or one fault line per field. The models beside this module list every field that
the local run translates, and every field it knows to be without effect on one machine; there is no third kind.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from meshed_mcp.error_codes.code import Message, MessageError
from meshed_mcp.error_codes.local import FIELD_INVALID, FIELD_NOT_RUN, FIELD_VALUE_NOT_RUN, INVALID_DURATION
from meshed_mcp.local.errors import LocalRunError


class Fields(BaseModel):
    """Fields under the names the API server uses; anything else is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)


F = TypeVar("F", bound=Fields)

TYPE_PREFIX: Final = "type.googleapis.com/"
"""Begins the step by which pydantic names one of several messages; it is no field. Source: protobuf, `Any`."""

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
    """How an object is called in messages: `VirtualService mcp-system/mcp-rag`."""
    meta = item.get("metadata") or {}
    namespace = meta.get("namespace")
    return f"{item.get('kind')} {namespace + '/' if namespace else ''}{meta.get('name')}"


def read(model: type[F], item: dict[str, Any]) -> F:
    """The object as its model. Raises LocalRunError with a line for every field that cannot be run here."""
    try:
        return model.model_validate(item)
    except ValidationError as error:
        raise LocalRunError(*(each for cause in _causes(error) for each in _messages(title(item), cause))) from None


def _causes(error: ValidationError) -> list[ErrorDetails]:
    """The errors without those that only follow: pydantic counts a list without its faulty members, and finds none."""
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
