"""Error codes and the messages that carry them.

Values in, a `Message` out: one line of text with the stable code of its kind, such as `MM0102`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


class Message(str):
    """One line: what is wrong and what to set instead, with the code that `docs/reference/errors.md` explains."""

    __slots__ = ("code",)
    code: str

    def __new__(cls, code: str, text: str) -> Self:
        """The message `text` of the kind `code`."""
        message = super().__new__(cls, text)
        message.code = code
        return message

    def __reduce__(self) -> tuple[type[Self], tuple[str, str]]:
        return type(self), (self.code, str(self))

    @property
    def line(self) -> str:
        """`MM0102: there is no service mcp-x; ...`."""
        return f"{self.code}: {self}"

    def at(self, place: str) -> "Message":
        """The same message, led by the place that it is about."""
        return Message(self.code, f"{place}: {self}")


class MessageError(ValueError):
    """A value is wrong in one or more ways. pydantic keeps it in the context of a validation error."""

    def __init__(self, messages: Iterable[Message]) -> None:
        self.messages = tuple(messages)
        super().__init__("\n".join(self.messages))


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One kind of error, warning or note."""

    code: str
    """`MM` and four digits."""

    text: str
    """Template of the message, with `{names}` of `str.format`: what is wrong; what to set instead."""

    def message(self, **values: object) -> Message:
        """The message with these values."""
        return Message(self.code, self.text.format(**values))

    def error(self, **values: object) -> MessageError:
        """A ValueError with that one message."""
        return MessageError([self.message(**values)])


def raise_all(messages: Iterable[Message]) -> None:
    """Raise MessageError with all messages, if there are any."""
    if found := tuple(messages):
        raise MessageError(found)
