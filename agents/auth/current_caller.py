"""The caller of the request that the running tool, resource or prompt serves."""

from contextvars import ContextVar
from typing import Any, Final

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from meshed_mcp.agents.auth.identity import Caller, caller_of

_request: Final[ContextVar[Any]] = ContextVar("meshed_mcp.current_request", default=None)


async def track_request(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """SDK middleware that remembers the HTTP request of a message while it is handled.

    The SDK's own context variable holds the token of the request that opened the session, which a later request of the
    session need not have.
    """
    token = _request.set(ctx.request)
    try:
        return await call_next(ctx)
    finally:
        _request.reset(token)


def current_caller() -> Caller:
    """Return the caller of the request in this context; an empty `Caller` over stdio and outside a request."""
    return caller_of(_request.get())


def current_token() -> str | None:
    """Return the verified bearer token of the request in this context, for calls on behalf of the user; else None."""
    request = _request.get()
    user = None if request is None else request.scope.get("user")
    return user.access_token.token if isinstance(user, AuthenticatedUser) else None
