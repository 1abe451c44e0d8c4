"""Error of a call whose token cannot be obtained."""

from meshed_mcp.error_codes.code import Message


class CredentialsError(Exception):
    """No token for a destination. Its text has the code and names no token, no secret and no text of an issuer."""

    def __init__(self, message: Message, *, unavailable: bool = False, rejection: str = "") -> None:
        super().__init__(message.line)
        self.rejection = rejection
        """Error code of the issuer, such as `invalid_grant`. Source: RFC 6749, section 5.2."""

        self.unavailable = unavailable
        """Whether another attempt may succeed: the issuer did not respond, or was overloaded."""
