"""Start-up error that one log line explains without a traceback; http/server.py logs it."""

from meshed_mcp.contract import with_stack_keys
from meshed_mcp.error_codes.code import Message


class StartError(RuntimeError):
    """The process cannot start; the text has one line per message, with its code and what to set instead."""

    def __init__(self, *messages: Message) -> None:
        self.messages = messages
        super().__init__("\n".join(message.line for message in messages))

    def report(self) -> str:
        """Return the text for an operator, who may have set the keys of a stack file and not the variables."""
        return "\n".join(with_stack_keys(message.line) for message in self.messages)


def start_error(error: BaseException) -> StartError | None:
    """Return the StartError in `error`, which a task group may have wrapped; None if there is none."""
    if isinstance(error, StartError):
        return error
    parts = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return next((found for part in parts if (found := start_error(part)) is not None), None)
