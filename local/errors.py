"""The one error of the local run: what a reader must change, one line per error."""

from meshed_mcp.error_codes.code import Message


class LocalRunError(Exception):
    """The stack cannot be run here; `messages` has one line per error and the command prints nothing else."""

    def __init__(self, *messages: Message) -> None:
        super().__init__("\n".join(message.line for message in messages))
        self.messages = messages
