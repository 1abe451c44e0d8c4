"""The door in front of an ASGI application: knows every request in work, refuses new ones, ends streams, cuts.

In: ASGI calls, and the orders of the drain (serving.py). Out: the application's answers, 503 while it refuses, 421 for
a Host that is not ours, HTTP metrics.
Not here: MCP (telemetry.py tells which request is a stream), signals and waiting times (serving.py).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import Any, Final

import anyio
from prometheus_client import CollectorRegistry, Gauge, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from meshed_mcp import contract
from meshed_mcp.agents.hosts import AllowedHosts
from meshed_mcp.agents.instruments import OTHER
from meshed_mcp.agents.propagation import http_parent
from meshed_mcp.agents.rejections import DRAINING, Rejections, reason_for

RETRY_AFTER_SECONDS: Final = 1
"""A client that comes back after this reaches another replica: the refusal comes after endpoints have noticed."""

STREAM_CHECK_SECONDS: Final = 0.1
"""How often streams are told to end: one may open its subscription after the first telling."""

KNOWN_HTTP_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
SERVER_ERROR: Final = 500
NO_ANSWER: Final = ""
"""Status label when the client was gone before the answer began; an empty label is no label in Prometheus."""

LISTEN: Final = "listen"
"""An open `subscriptions/listen` request: a stream that ends with a result."""

SSE: Final = "sse"
"""An open GET of an event stream, as clients up to 2025-11-25 keep one: it ends without a result."""

_WORK_KEY: Final = "meshed_mcp.work"


@dataclass(eq=False)
class Work:
    """One request between its first byte in and its last byte out."""

    scope: Scope = field(repr=False)
    cancel: anyio.CancelScope = field(default_factory=anyio.CancelScope, repr=False)
    operation: str = ""
    stream: str = ""
    status: int = 0
    refusal: str = ""
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
    return None if request is None else request.scope.get(_WORK_KEY)


class Gate:
    """ASGI middleware around a whole application; one per process. Other Hosts than `hosts` are answered 421."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry, hosts: AllowedHosts) -> None:
        self._app = app
        self._hosts = hosts
        self._open: set[Work] = set()
        self._emptied = asyncio.Event()
        self._retiring = False
        self._refusing = False
        self._rejections = Rejections(registry)
        self._seconds = Histogram(
            contract.METRIC_HTTP_DURATION,
            "Duration of HTTP requests, seconds; open streams are not in it.",
            ("http_route", "http_request_method", "http_response_status_code"),
            buckets=contract.DURATION_BUCKETS_SECONDS,
            registry=registry,
        )
        streams = Gauge(contract.METRIC_OPEN_STREAMS, "Open event streams.", ("kind",), registry=registry)
        for kind in (LISTEN, SSE):
            streams.labels(kind).set_function(partial(self._count, kind))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it with 503 and Retry-After."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        work = Work(scope)
        scope[_WORK_KEY] = work
        self._open.add(work)
        try:
            with http_parent(scope):
                await self._answer(work, receive, send)
        except Exception:
            work.status = work.status or SERVER_ERROR  # what uvicorn answers for us
            raise
        finally:
            self._open.discard(work)
            if not self._open:
                self._emptied.set()
            self._rejections.count(work.refusal)
            if not work.stream:
                self._seconds.labels(work.route, work.method, str(work.status or NO_ANSWER)).observe(work.seconds)

    def retire(self) -> None:
        """Ask clients to leave their connections: every answer from now on says `Connection: close`."""
        self._retiring = True

    def refuse(self) -> None:
        """Answer every new request with 503 and Retry-After from now on."""
        self._refusing = True

    async def emptied(self, end_streams: Callable[[], None]) -> None:
        """End open streams and return when nothing is in work any more; without a bound of its own."""
        while self._open:
            self._emptied.clear()
            end_streams()
            for work in self._open:
                if work.stream == SSE:
                    work.cancel.cancel()
            with anyio.move_on_after(STREAM_CHECK_SECONDS):
                await self._emptied.wait()

    def cut(self) -> list[str]:
        """Cancel whatever is in work and say what that was, one text each."""
        cut = [str(work) for work in self._open]
        for work in self._open:
            work.cancel.cancel()
        return cut

    def _count(self, kind: str) -> int:
        return sum(work.stream == kind for work in self._open)

    async def _answer(self, work: Work, receive: Receive, send: Send) -> None:
        async def observed_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._observe_start(work, message)
            elif message["type"] == "http.response.body":
                if not (work.operation or work.refusal):  # the SDK's middleware names an operation before it begins
                    work.refuse(reason_for(work.status, message.get("body", b"")))
                work.ended = not message.get("more_body", False)
            await send(message)

        with work.cancel:
            await self._application_for(work)(work.scope, receive, observed_send)
        if work.cancel.cancelled_caught:
            await _end_cut_answer(work, receive, observed_send)

    def _application_for(self, work: Work) -> ASGIApp:
        if self._refusing:
            work.refuse(DRAINING)
            return _stopping
        return self._app if Headers(scope=work.scope).get("host") in self._hosts else _misdirected

    def _observe_start(self, work: Work, message: Message) -> None:
        work.status = message["status"]
        if work.method == "GET" and _is_event_stream(message):
            work.become_stream(SSE)
        if self._retiring:
            MutableHeaders(scope=message)["connection"] = "close"


_stopping = PlainTextResponse(
    "This server is stopping. Send the request again: it was not executed.\n",
    status_code=503,
    headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
)
_misdirected = PlainTextResponse(
    f"This server does not answer to that Host. Its operator can add the name to {contract.ENV_ALLOWED_HOSTS}.\n",
    status_code=421,
)
"""Source: RFC 9110, section 15.5.20, Misdirected Request; the check is a defence against DNS rebinding."""


def _is_event_stream(start: Message) -> bool:
    return Headers(raw=start["headers"]).get("content-type", "").startswith("text/event-stream")


async def _end_cut_answer(work: Work, receive: Receive, send: Send) -> None:
    """Tell the client what happened as far as the protocol still allows; a half-sent answer stays visibly broken."""
    if not work.status:
        text = "The server stopped before the request ended. It may have taken effect.\n"
        await PlainTextResponse(text, status_code=SERVER_ERROR)(work.scope, receive, send)
    elif work.stream == SSE and not work.ended:
        await send({"type": "http.response.body", "body": b"", "more_body": False})
