"""Access to a mapping of a file: checks types, knows which keys were read, and notes all others."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from meshed_mcp.infra.importing.reasons import NO_COUNTERPART, WRONG_TYPE, Reason
from meshed_mcp.infra.importing.report import Report
from meshed_mcp.infra.importing.source import Location

DIGITS: Final = re.compile(r"[0-9]{1,18}")
"""A whole number in quotes."""


class Text(NamedTuple):
    """A text of the file and where it is."""

    text: str
    location: Location


class Fields:
    """A mapping of the file."""

    def __init__(self, report: Report, value: Any, location: Location) -> None:
        self.report = report
        self.location = location
        self.values: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
        self.read: set[str] = set()
        if not isinstance(value, Mapping | None):
            report.leave(location, WRONG_TYPE)

    def at(self, key: str) -> Location:
        """Where a key is."""
        return (*self.location, key)

    def raw(self, *keys: str) -> Any:
        """The value of the first of the keys that is set; None without one."""
        self.read.update(keys)
        return next((self.values[key] for key in keys if self.values.get(key) is not None), None)

    def text(self, *keys: str) -> str | None:
        """Text, or a number as text."""
        value: str | None = self.typed(self.raw(*keys), (str, int, float), keys, str)
        return value

    def number(self, *keys: str) -> int | None:
        """A whole number, also in quotes."""
        value = self.raw(*keys)
        if isinstance(value, str) and DIGITS.fullmatch(value):
            value = int(value)
        number: int | None = self.typed(value, (int,), keys, int)
        return number

    def flag(self, *keys: str) -> bool:
        """True or false; false without the key."""
        return bool(self.typed(self.raw(*keys), (bool,), keys, bool))

    def typed(self, value: Any, types: tuple[type, ...], keys: tuple[str, ...], kind: Any) -> Any:
        """The value as `kind` if its type is one of `types`; notes others."""
        if value is None or (isinstance(value, bool) and bool not in types) or not isinstance(value, types):
            if value is not None:
                self.report.leave(self.at(self.present(keys)), WRONG_TYPE)
            return None
        return kind(value)

    def present(self, keys: tuple[str, ...]) -> str:
        """The first of the keys that is set."""
        return next((key for key in keys if self.values.get(key) is not None), keys[0])

    def inner(self, *keys: str) -> "Fields":
        """A mapping below this one; empty without the key."""
        return Fields(self.report, self.raw(*keys), self.at(self.present(keys)))

    def texts(self, *keys: str) -> list[Text]:
        """A list of texts; a single text is a list of one."""
        value, location = self.raw(*keys), self.at(self.present(keys))
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            return [Text(str(value), location)]
        return list(self.listed(value, location))

    def listed(self, value: Any, location: Location) -> Iterator[Text]:
        """The texts of a list; notes everything else."""
        if not isinstance(value, list | None):
            self.report.leave(location, WRONG_TYPE)
            return
        for index, item in enumerate(value or []):
            if isinstance(item, str | int | float):
                yield Text(scalar_text(item), (*location, index))
            else:
                self.report.leave((*location, index), WRONG_TYPE)

    def mappings(self, *keys: str) -> list["Fields"]:
        """A list of mappings."""
        value, location = self.raw(*keys), self.at(self.present(keys))
        if not isinstance(value, list | None):
            self.report.leave(location, WRONG_TYPE)
            return []
        return [Fields(self.report, item, (*location, index)) for index, item in enumerate(value or [])]

    def leave_rest(self, reasons: Mapping[str, Reason], otherwise: Reason = NO_COUNTERPART) -> None:
        """Note every key that nothing read."""
        for key in self.values:
            if key not in self.read and self.values[key] not in (None, False, [], {}, ""):
                self.report.leave(self.at(key), reasons.get(key, otherwise))


def scalar_text(value: Any) -> str:
    """A scalar as an environment variable or argument holds it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
