"""State of one in-flight HTTP request, shared by the ASGI middleware and the SDK's middleware."""

import math
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Final

import anyio
from starlette.types import ASGIApp, Scope

from meshed_mcp.agents.telemetry.instruments import OTHER

KNOWN_HTTP_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
LISTEN: Final = "listen"  # an open `subscriptions/listen` request: a stream that ends with a result
SSE: Final = "sse"  # an open GET of an event stream, by clients up to 2025-11-25: it ends without a result
SCOPE_KEY: Final = "meshed_mcp.request_context"  # key of the ASGI scope that holds the request's context


@dataclass(eq=False)
class RequestContext:
    """One request from its head to the end of its response."""

    scope: Scope = field(repr=False)
    cancel: anyio.CancelScope = field(default_factory=anyio.CancelScope, repr=False)
    operation: str = ""
    """What the request does, for log lines; only of known names."""

    request_id: str | int | None = None
    stream: str = ""
    """LISTEN or SSE for an open stream, which the drain ends instead of awaiting it."""

    status: int = 0
    rejection: str = ""
    """Why the request is not executed: one of rejections.REASONS."""

    early_response: ASGIApp | None = field(default=None, repr=False)
    admitted: bool = True
    held_bytes: int = 0
    nesting_bound: float = math.inf
    """Upper bound of the nesting depth of the body (limits.py)."""

    event_stream: bool = False
    deadline: float = math.inf
    call: anyio.CancelScope | None = field(default=None, repr=False)
    ended: bool = False
    started: float = field(default_factory=perf_counter)

    def reject(self, response: ASGIApp, reason: str) -> None:
        """Cancel the request, which has not been executed, and send `response`; `reason` as for `rejection`."""
        self.early_response = response
        self.rejection = reason
        self.cancel.cancel()

    @property
    def route(self) -> str:
        """Path template of the matched route, with parameters as names; never the client's text."""
        return getattr(self.scope.get("route"), "path", OTHER)

    @property
    def method(self) -> str:
        """HTTP method; OTHER if it is not a standard one."""
        method: str = self.scope["method"]
        return method if method in KNOWN_HTTP_METHODS else OTHER

    @property
    def seconds(self) -> float:
        """Age of the request in seconds."""
        return perf_counter() - self.started

    def __str__(self) -> str:
        operation = f" {self.operation}" if self.operation else ""
        return f"{self.method} {self.route}{operation} ({self.seconds:.1f} s)"


def from_scope(scope: Scope) -> RequestContext | None:
    """Return the context of an ASGI scope; None outside DrainMiddleware and for other scopes than requests."""
    context: RequestContext | None = scope.get(SCOPE_KEY)
    return context


def from_request(request: Any) -> RequestContext | None:
    """Return the context of a Starlette request; None without HTTP (stdio) and outside DrainMiddleware."""
    return None if request is None else from_scope(request.scope)
