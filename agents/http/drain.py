"""The door in front of an ASGI application: knows every request in work, refuses new ones, ends streams, cuts.

In: ASGI calls, and the orders of the drain (server.py). Out: the application's answers, 503 while it refuses, 421 for
a Host that is not ours, HTTP metrics.
Not here: MCP (telemetry/metrics.py tells which request is a stream), signals and waiting times (server.py).
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final

import anyio
from prometheus_client import CollectorRegistry, Gauge, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from meshed_mcp import contract
from meshed_mcp.agents.http import responses
from meshed_mcp.agents.http.headers import field
from meshed_mcp.agents.http.hosts import AllowedHosts
from meshed_mcp.agents.http.rejections import DRAINING, Rejections, reason_for
from meshed_mcp.agents.http.request_context import LISTEN, SSE, WORK_KEY, Work
from meshed_mcp.agents.telemetry.instruments import Children
from meshed_mcp.agents.telemetry.propagation import HTTPParent

STREAM_CHECK_SECONDS: Final = 0.1
"""How often streams are told to end: one may open its subscription after the first telling."""

SERVER_ERROR: Final = 500
NO_ANSWER: Final = ""
"""Status label when the client was gone before the answer began; an empty label is no label in Prometheus."""


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
        self._seconds = Children(
            Histogram(
                contract.METRIC_HTTP_DURATION,
                "Duration of HTTP requests, seconds; open streams are not in it.",
                ("http_route", "http_request_method", "http_response_status_code"),
                buckets=contract.DURATION_BUCKETS_SECONDS,
                registry=registry,
            )
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
        scope[WORK_KEY] = work
        self._open.add(work)
        try:
            with HTTPParent(scope):
                await self._answer(work, receive, send)
        except Exception:
            work.status = work.status or SERVER_ERROR  # what uvicorn answers for us
            raise
        finally:
            del scope[WORK_KEY]  # each names the other: left so, both wait for the garbage collector
            self._open.discard(work)
            if not self._open:
                self._emptied.set()
            self._rejections.count(work.refusal)
            if not work.stream:
                self._seconds[work.route, work.method, str(work.status or NO_ANSWER)].observe(work.seconds)

    def retire(self) -> None:
        """Ask clients to leave their connections: every answer from now on says `Connection: close`."""
        self._retiring = True

    def refuse(self) -> None:
        """Answer with 503 and Retry-After from now on whatever is new, still arriving, or waiting for a place."""
        self._refusing = True
        for work in self._open:
            if not work.admitted:
                work.turn_away(responses.STOPPING, DRAINING)

    @property
    def refusing(self) -> bool:
        """Whether new requests are refused."""
        return self._refusing

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
            return (
                responses.SESSION_ENDED if contract.SESSION_HEADER in Headers(scope=work.scope) else responses.STOPPING
            )
        return self._app if field(work.scope["headers"], b"host") in self._hosts else responses.MISDIRECTED

    def _observe_start(self, work: Work, message: Message) -> None:
        work.status = message["status"]
        work.event_stream = _is_event_stream(message)
        if work.method == "GET" and work.event_stream:
            work.become_stream(SSE)
        if self._retiring:
            MutableHeaders(scope=message)["connection"] = "close"


def _is_event_stream(start: Message) -> bool:
    return field(start["headers"], b"content-type").startswith("text/event-stream")


async def _end_cut_answer(work: Work, receive: Receive, send: Send) -> None:
    """Tell the client what happened as far as the protocol still allows; a half-sent answer stays visibly broken."""
    if not work.status:
        await (work.farewell or responses.CUT)(work.scope, receive, send)
    elif work.stream == SSE and not work.ended:
        await send({"type": "http.response.body", "body": b"", "more_body": False})
