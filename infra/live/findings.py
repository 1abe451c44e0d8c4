"""Findings of a check of a cluster: one line each."""

from enum import StrEnum
from typing import NamedTuple

from meshed_mcp.error_codes.code import Message


class Level(StrEnum):
    """Severity of a finding."""

    OK = "ok"
    """As the stack needs it."""

    NOTE = "note"
    """Cannot be known from the API of the cluster."""

    WARNING = "warning"
    """The stack works, with less than it promises."""

    ERROR = "error"
    """The stack does not work in this cluster; exit code 1."""


class Finding(NamedTuple):
    """One line of the output."""

    level: Level
    text: Message | str
    """What is found; a Message with a code, except for `ok`."""

    @property
    def line(self) -> str:
        """`error MM0157: Secret mcp-system/mcp-llm does not exist; ...`."""
        return f"{self.level} {self.text.line if isinstance(self.text, Message) else self.text}"

    @property
    def fields(self) -> dict[str, str | None]:
        """For JSON: `level`, `code` (null for `ok`) and `text`."""
        code = self.text.code if isinstance(self.text, Message) else None
        return {"level": str(self.level), "code": code, "text": str(self.text)}


def ok(text: str) -> Finding:
    """A finding without any issue."""
    return Finding(Level.OK, text)


def error(message: Message) -> Finding:
    """A finding with which the stack does not work."""
    return Finding(Level.ERROR, message)


def warning(message: Message) -> Finding:
    """A finding with which the stack does less than it promises."""
    return Finding(Level.WARNING, message)


def note(message: Message) -> Finding:
    """What the API of the cluster does not say."""
    return Finding(Level.NOTE, message)
