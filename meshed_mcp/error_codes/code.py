"""Error codes, and messages with the stable code of their kind, such as `MM0102`."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Self


class Message(str):
    """One line: what is wrong and what to set instead, with the code that `docs/reference/errors.md` explains."""

    __slots__ = ("code",)
    code: str

    def __new__(cls, code: str, text: str) -> Self:
        """Create the message `text` with the code `code`."""
        message = super().__new__(cls, text)
        message.code = code
        return message

    def __reduce__(self) -> tuple[type[Self], tuple[str, str]]:
        return type(self), (self.code, str(self))

    @property
    def line(self) -> str:
        """`MM0102: there is no service mcp-x; ...`."""
        return f"{self.code}: {self}"

    def at(self, subject: str) -> "Message":
        """Return the message with the object that it is about in front."""
        return Message(self.code, f"{subject}: {self}")


class MessageError(ValueError):
    """Error of a value with one or more messages. pydantic keeps it in the context of a validation error."""

    def __init__(self, messages: Iterable[Message]) -> None:
        self.messages = tuple(messages)
        super().__init__("\n".join(self.messages))


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One kind of error, warning or note."""

    area: str
    """Name of the catalog's file with its text, without `.toml`."""

    code: str
    """`MM` and four digits."""

    @property
    def text(self) -> str:
        """Template of the message, with `{names}` of `str.format`: what is wrong; what to set instead."""
        return catalog(self.area)[self.code]["text"]

    def message(self, **values: object) -> Message:
        """Return the message with these values."""
        return Message(self.code, self.text.format(**values))

    def error(self, **values: object) -> MessageError:
        """Return an error with that one message."""
        return MessageError([self.message(**values)])


@cache
def catalog(area: str) -> Mapping[str, Mapping[str, str]]:
    """The texts of an area by code, from its file on first use: `text`, `cause`, `fix` and those of the example."""
    return tomllib.loads(files(__package__).joinpath(f"{area}.toml").read_text(encoding="utf-8"))


def raise_all(messages: Iterable[Message]) -> None:
    """Raise MessageError with all messages, if there are any."""
    if found := tuple(messages):
        raise MessageError(found)
