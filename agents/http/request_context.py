"""One HTTP request in work, as everything that meets it on its way sees it.

In: an ASGI scope. Out: `Work`, on which the gate, the admission and the SDK's middleware tell each other what happens.
Not here: who decides (drain.py, concurrency_limiter.py), what is counted (telemetry/metrics.py, rejections.py).
"""

import math
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Final

import anyio
from starlette.types import ASGIApp, Scope

from meshed_mcp.agents.telemetry.instruments import OTHER

KNOWN_HTTP_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
LISTEN: Final = "listen"
"""An open `subscriptions/listen` request: a stream that ends with a result."""

SSE: Final = "sse"
"""An open GET of an event stream, as clients up to 2025-11-25 keep one: it ends without a result."""

WORK_KEY: Final = "meshed_mcp.work"
"""Where the scope of a request holds its work."""


@dataclass(eq=False)
class Work:
    """One request between its first byte in and its last byte out."""

    scope: Scope = field(repr=False)
    cancel: anyio.CancelScope = field(default_factory=anyio.CancelScope, repr=False)
    operation: str = ""
    request_id: str | int | None = None
    stream: str = ""
    status: int = 0
    refusal: str = ""
    farewell: ASGIApp | None = field(default=None, repr=False)
    admitted: bool = True
    held_bytes: int = 0
    brackets: float = math.inf
    """How many objects and arrays the body can hold at most (limits.py): no value of it nests deeper."""

    event_stream: bool = False
    deadline: float = math.inf
    call: anyio.CancelScope | None = field(default=None, repr=False)
    ended: bool = False
    started: float = field(default_factory=perf_counter)

    def name(self, operation: str) -> None:
        """Say what the request does, for the log line of a cut; only from names known beforehand."""
        self.operation = operation

    def become_stream(self, kind: str) -> None:
        """Say that the request is an open stream (LISTEN or SSE), which a drain ends instead of awaiting it."""
        self.stream = kind

    def refuse(self, reason: str) -> None:
        """Say why the request is not executed (one of rejections.REASONS), where its status does not tell."""
        self.refusal = reason

    def turn_away(self, answer: ASGIApp, reason: str) -> None:
        """End the request, which has not been executed, with this answer; `reason` as for `refuse`."""
        self.farewell = answer
        self.refuse(reason)
        self.cancel.cancel()

    @property
    def route(self) -> str:
        """Path of the matched route with its parameters as names; never what the client wrote."""
        return getattr(self.scope.get("route"), "path", OTHER)

    @property
    def method(self) -> str:
        """HTTP method, OTHER when it is not a standard one."""
        method: str = self.scope["method"]
        return method if method in KNOWN_HTTP_METHODS else OTHER

    @property
    def seconds(self) -> float:
        """Age of the request."""
        return perf_counter() - self.started

    def __str__(self) -> str:
        operation = f" {self.operation}" if self.operation else ""
        return f"{self.method} {self.route}{operation} ({self.seconds:.1f} s)"


def work_of(request: Any) -> Work | None:
    """Return the work that a Starlette request belongs to; None without HTTP (stdio) or without a gate."""
    return None if request is None else work_in(request.scope)


def work_in(scope: Scope) -> Work | None:
    """Return the work that an ASGI scope belongs to; None without a gate, and for scopes that are no request."""
    work: Work | None = scope.get(WORK_KEY)
    return work
