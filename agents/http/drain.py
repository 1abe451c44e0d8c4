"""ASGI middleware that tracks and measures in-flight requests and implements graceful drain: 503 while it drains."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final

import anyio
from prometheus_client import CollectorRegistry, Gauge, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from meshed_mcp import contract
from meshed_mcp.agents.http import rejections
from meshed_mcp.agents.http.limits import header_value
from meshed_mcp.agents.http.rejections import DRAINING, Rejections, reason_for
from meshed_mcp.agents.http.request_context import LISTEN, SCOPE_KEY, SSE, RequestContext
from meshed_mcp.agents.telemetry.instruments import LabeledChildren
from meshed_mcp.agents.telemetry.propagation import HTTPParent

STREAM_CHECK_SECONDS: Final = 0.1
"""Interval between attempts to end streams: a request may open its stream after the first attempt."""

SERVER_ERROR: Final = 500
NO_RESPONSE: Final = ""
"""Status label when the client disconnected before the response; Prometheus treats an empty label as none."""


class DrainMiddleware:
    """ASGI middleware around the whole application; one per process.

    `in_session` responds to requests of sessions while new requests are rejected.
    """

    def __init__(
        self, app: ASGIApp, registry: CollectorRegistry, in_session: ASGIApp = rejections.SESSION_ENDED
    ) -> None:
        self._app, self._in_session = app, in_session
        self._in_flight: set[RequestContext] = set()
        self._drained = asyncio.Event()
        self._closes_connections = False
        self.rejecting = False  # new requests are rejected
        self._rejections = Rejections(registry)
        self._seconds = LabeledChildren(
            Histogram(
                contract.METRIC_HTTP_DURATION,
                "Duration of HTTP requests in seconds, without open streams.",
                ("http_route", "http_request_method", "http_response_status_code"),
                buckets=contract.DURATION_BUCKETS_SECONDS,
                registry=registry,
            )
        )
        streams = Gauge(contract.METRIC_OPEN_STREAMS, "Open event streams.", ("kind",), registry=registry)
        for kind in (LISTEN, SSE):
            streams.labels(kind).set_function(partial(self._count, kind))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or reject it with 503 and Retry-After."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        context = scope[SCOPE_KEY] = RequestContext(scope)
        self._in_flight.add(context)
        try:
            with HTTPParent(scope):
                await self._respond(context, receive, send)
        except Exception:
            context.status = context.status or SERVER_ERROR  # what uvicorn sends
            raise
        finally:
            del scope[SCOPE_KEY]  # breaks the reference cycle, which would wait for the garbage collector
            self._in_flight.discard(context)
            if not self._in_flight:
                self._drained.set()
            self._rejections.count(context.rejection)
            if not context.stream:
                self._seconds[context.route, context.method, str(context.status or NO_RESPONSE)].observe(
                    context.seconds
                )

    def start_connection_close(self) -> None:
        """Send `Connection: close` with every response from now on."""
        self._closes_connections = True

    def start_rejecting(self) -> None:
        """Reject with 503 and Retry-After from now on: new requests, incomplete ones and queued ones."""
        self.rejecting = True
        for context in self._in_flight:
            if not context.admitted:
                context.reject(rejections.STOPPING, DRAINING)

    async def wait_drained(self, end_streams: Callable[[], None]) -> None:
        """End open streams and return when no request is in flight; has no time-out."""
        while self._in_flight:
            self._drained.clear()
            end_streams()
            for context in self._in_flight:
                if context.stream == SSE:
                    context.cancel.cancel()
            with anyio.move_on_after(STREAM_CHECK_SECONDS):
                await self._drained.wait()

    def cancel_in_flight(self) -> list[str]:
        """Cancel all in-flight requests and return one log text for each."""
        cancelled = [str(context) for context in self._in_flight]
        for context in self._in_flight:
            context.cancel.cancel()
        return cancelled

    def _count(self, kind: str) -> int:
        return sum(context.stream == kind for context in self._in_flight)

    async def _respond(self, context: RequestContext, receive: Receive, send: Send) -> None:
        async def observed_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._observe_start(context, message)
            elif message["type"] == "http.response.body":
                if not (context.operation or context.rejection):  # OperationMetrics sets it before a call is executed
                    context.rejection = reason_for(context.status, message.get("body", b""))
                context.ended = not message.get("more_body", False)
            await send(message)

        with context.cancel:
            await self._application_for(context)(context.scope, receive, observed_send)
        if context.cancel.cancelled_caught:
            await _end_cancelled_response(context, receive, observed_send)

    def _application_for(self, context: RequestContext) -> ASGIApp:
        if self.rejecting:
            context.rejection = DRAINING
            in_session = contract.SESSION_HEADER in Headers(scope=context.scope)
            return self._in_session if in_session else rejections.STOPPING
        return self._app

    def _observe_start(self, context: RequestContext, message: Message) -> None:
        context.status = message["status"]
        context.event_stream = header_value(message["headers"], b"content-type").startswith("text/event-stream")
        if context.method == "GET" and context.event_stream:
            context.stream = SSE
        if self._closes_connections:
            MutableHeaders(scope=message)["connection"] = "close"


async def _end_cancelled_response(context: RequestContext, receive: Receive, send: Send) -> None:
    """Send an error unless the response has begun; a partial response stays incomplete, so that the client notices."""
    if not context.status:
        await (context.early_response or rejections.CANCELLED)(context.scope, receive, send)
    elif context.stream == SSE and not context.ended:
        await send({"type": "http.response.body", "body": b"", "more_body": False})
