"""The token of the caller whose request runs, for calls on its behalf."""

from meshed_mcp.agents.auth.current_caller import current_token
from meshed_mcp.agents.client.credentials.errors import CredentialsError
from meshed_mcp.error_codes.calls import CALLER_TOKEN_MISSING


def caller_token(destination: str) -> str:
    """Return the verified token of the current request. Raises CredentialsError outside a request with a token."""
    found = current_token()
    if found is None:
        raise CredentialsError(CALLER_TOKEN_MISSING.message(destination=destination))
    return found
