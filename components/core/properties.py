"""Values as Pulumi's messages carry them: text keys, lists, finite numbers that a double holds exactly.

Plain data in, plain data out; outputs, assets and resources in it pass unchanged. Pulumi sends properties as a protobuf
Struct, which has no other keys and numbers, and fails inside protobuf on what it cannot hold.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime, time
from enum import Enum
from math import isfinite
from typing import Any, Final

from meshed_mcp.error_codes.code import MessageError
from meshed_mcp.error_codes.values import NUMBER_NOT_CARRIED

LARGEST_WHOLE: Final = 2**53
"""Largest whole number up to which a double holds all. Source: IEEE 754, binary64."""


def properties(value: Any, path: str = "") -> Any:
    """`value` as a message carries it. Raises ValueError for a number that no message carries, with its path."""
    match value:
        case Enum():
            return properties(value.value, path)
        case Mapping():
            return {
                key_text(key): properties(item, f"{path}.{key_text(key)}".lstrip(".")) for key, item in value.items()
            }
        case list() | tuple():
            return [properties(item, f"{path}[{number}]") for number, item in enumerate(value)]
        case set() | frozenset():
            return properties(sorted(value, key=str), path)
        case datetime() | date() | time():
            return value.isoformat()
        case int() | float() if not is_carried(value):
            raise MessageError([NUMBER_NOT_CARRIED.message(shown=value).at(path)])
    return value


def is_carried(number: float) -> bool:
    """Whether a number arrives as it was sent."""
    return isfinite(number) if isinstance(number, float) else abs(number) <= LARGEST_WHOLE


def key_text(key: object) -> str:
    """A key as text, spelled as in JSON."""
    if isinstance(key, Enum):
        return key_text(key.value)
    return json.dumps(key) if key is None or isinstance(key, bool) else str(key)
