"""Converts values to properties of a Pulumi message: text keys, lists, finite numbers that a double holds exactly.

Pulumi sends a protobuf Struct, which has no other keys and numbers. Outputs, assets and resources pass unchanged.
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
"""Largest integer up to which doubles are exact. Source: IEEE 754, binary64."""


def properties(value: Any, path: str = "") -> Any:
    """`value` as properties. Raises ValueError with the path of a number that a message cannot carry."""
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
    """Whether a message carries a number exactly."""
    return isfinite(number) if isinstance(number, float) else abs(number) <= LARGEST_WHOLE


def key_text(key: object) -> str:
    """A key as text, as in JSON."""
    if isinstance(key, Enum):
        return key_text(key.value)
    return json.dumps(key) if key is None or isinstance(key, bool) else str(key)
