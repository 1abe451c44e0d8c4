"""The token of the caller whose request runs, for calls on its behalf."""

from contextvars import Context

from mcp.server.auth.middleware.auth_context import auth_context_var, get_access_token
from mcp.server.auth.provider import principal_components

from meshed_mcp.agents.client.credentials.errors import CredentialsError
from meshed_mcp.error_codes.calls import CALLER_TOKEN_MISSING


def caller_token(destination: str) -> str:
    """Return the verified token of the current request. Raises CredentialsError outside a request with a token."""
    found = get_access_token()
    if found is None:
        raise CredentialsError(CALLER_TOKEN_MISSING.message(destination=destination))
    return found.token


def caller_name() -> tuple[str, str | None, str | None] | None:
    """Return client, issuer and subject of the current request's token; None without one.

    It stays the same when the caller gets a new token.
    """
    found = get_access_token()
    return None if found is None else principal_components(found)


def context_of_caller() -> Context:
    """Return an empty context with the token of the current request alone, for work that outlives the request."""
    context = Context()
    context.run(auth_context_var.set, auth_context_var.get())
    return context
