"""The error of the local run."""

from meshed_mcp.error_codes.code import Message


class LocalRunError(Exception):
    """The stack cannot be run; the command prints `messages`, one line each."""

    def __init__(self, *messages: Message) -> None:
        super().__init__("\n".join(message.line for message in messages))
        self.messages = messages
