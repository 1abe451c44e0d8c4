"""Validation of cron expressions: the five fields of KEDA's cron trigger, their form and bounds.

Source: KEDA, "Cron"; robfig/cron, standard parser (with names of months and days).
"""

import re
from typing import Final, NamedTuple

from meshed_mcp.error_codes.autoscaling import CRON_FIELD_COUNT, INVALID_CRON_FIELD


class _Field(NamedTuple):
    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()


FIELDS: Final = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")),
    _Field("day of the week", 0, 6, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)

_PART: Final = re.compile(r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>[1-9]\d*))?")


def cron_expression(text: str) -> str:
    """`text`, if it is a cron expression. Raises ValueError that names the wrong field."""
    words = text.split()
    if len(words) != len(FIELDS):
        raise CRON_FIELD_COUNT.error(text=text, count=len(words))
    for field, word in zip(FIELDS, words, strict=True):
        if not all(_fits(field, part) for part in word.split(",")):
            raise INVALID_CRON_FIELD.error(word=word, text=text, name=field.name, least=field.least, most=field.most)
    return text


def _fits(field: _Field, part: str) -> bool:
    found = _PART.fullmatch(part)
    if found is None:
        return False
    numbers = [_number(field, word) for word in found.group("first", "last") if word is not None]
    return all(field.least <= number <= field.most for number in numbers) and numbers == sorted(numbers)


def _number(field: _Field, word: str) -> int:
    if word.lower() in field.names:
        return field.names.index(word.lower()) + field.least
    return int(word) if re.fullmatch(r"[0-9]+", word) else -1
