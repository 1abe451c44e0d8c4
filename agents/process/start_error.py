"""Why a process cannot start, where a sentence says it all: whoever raises it needs no traceback in the log.

Raised while settings are read and in lifespans; told by http/server.py.
"""

from meshed_mcp.error_codes.code import Message


class StartError(RuntimeError):
    """The process cannot start; the text is one line per message, each with its code and what to change."""

    def __init__(self, *messages: Message) -> None:
        self.messages = messages
        super().__init__("\n".join(message.line for message in messages))


def start_error(error: BaseException) -> StartError | None:
    """The StartError in `error`, which a task group may have wrapped; None where there is none."""
    if isinstance(error, StartError):
        return error
    parts = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return next((found for part in parts if (found := start_error(part)) is not None), None)
