"""The caller of the request that the running tool, resource or prompt serves."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar
from typing import Any, Final

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from meshed_mcp.agents.auth.identity import Caller, caller_of

_request: Final[ContextVar[Any]] = ContextVar("meshed_mcp.current_request", default=None)


async def track_request(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """SDK middleware that remembers the HTTP request of a message while it is handled.

    It is the request of the message, also in a session, whose first request may have had another token.
    """
    with serving_request(ctx.request):
        return await call_next(ctx)


@contextmanager
def serving_request(request: Any) -> Iterator[None]:
    """Make `request`, a Starlette request, the current one inside the block."""
    outer = _request.set(request)
    try:
        yield
    finally:
        _request.reset(outer)


def context_of_request() -> Context:
    """Return a context that has the current request alone, for work on its behalf that outlives it."""
    context = Context()
    context.run(_request.set, _request.get())
    return context


def current_caller() -> Caller:
    """Return the caller of the request in this context; an empty `Caller` over stdio and outside a request."""
    return caller_of(_request.get())


def current_token() -> str | None:
    """Return the verified bearer token of the request in this context, for calls on behalf of the user; else None."""
    request = _request.get()
    user = None if request is None else request.scope.get("user")
    return user.access_token.token if isinstance(user, AuthenticatedUser) else None
