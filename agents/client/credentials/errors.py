"""Error of a call whose token cannot be obtained."""

from meshed_mcp.error_codes.code import Message


class CredentialsError(Exception):
    """No token for a destination. Its text has the code and names no token, no secret and no text of an issuer."""

    def __init__(self, message: Message, *, unavailable: bool = False) -> None:
        super().__init__(message.line)
        self.unavailable = unavailable
        """Whether another attempt may succeed: the issuer did not respond, or was overloaded."""
