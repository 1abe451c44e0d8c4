"""JSON that fits a review: what fits into a line stands in one line."""

import json
from collections.abc import Iterator
from typing import Any, Final

LINE: Final = 120
"""Characters of a line, as in the code."""

INDENT: Final = "  "

PROPERTIES: Final = frozenset({"properties", "inputProperties"})
"""Keys of a package schema whose members stand in one line each, however long: one property, one line of a diff."""


def compact(document: Any) -> str:
    """JSON text of plain data, in the data's own order, with a newline at its end."""
    return "\n".join(_lines(document, "", whole=False)) + "\n"


def _lines(value: Any, indent: str, *, whole: bool) -> Iterator[str]:
    """Lines of one value; only the first lacks `indent`. `whole` = one line, whatever its length."""
    text = json.dumps(value, ensure_ascii=False)
    if whole or not value or not isinstance(value, dict | list) or len(indent) + len(text) <= LINE:
        yield text
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    yield opening
    yield from _members(value, indent + INDENT)
    yield indent + closing


def _members(value: dict[str, Any] | list[Any], indent: str) -> Iterator[str]:
    """Lines of what an object or a list holds, with commas between."""
    named = value.items() if isinstance(value, dict) else (("", each) for each in value)
    for number, (key, each) in enumerate(named, 1):
        start = indent + (f"{json.dumps(key)}: " if isinstance(value, dict) else "")
        first, *others = _each(key, each, indent)
        *lines, last = start + first, *others
        yield from lines
        yield last + ("," if number < len(value) else "")


def _each(key: str, value: Any, indent: str) -> Iterator[str]:
    """Lines of one member; the properties of a schema stand in one line each."""
    if key not in PROPERTIES or not isinstance(value, dict):
        yield from _lines(value, indent, whole=False)
        return
    yield "{"
    texts = [
        f"{indent}{INDENT}{json.dumps(name)}: {json.dumps(each, ensure_ascii=False)}" for name, each in value.items()
    ]
    yield from (f"{text}," for text in texts[:-1])
    yield from texts[-1:]
    yield indent + "}"
