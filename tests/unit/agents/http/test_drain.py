"""DrainMiddleware around a Starlette application, without a network."""

import gc
import weakref
from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx
import pytest
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from meshed_mcp import contract
from meshed_mcp.agents.http import request_context
from meshed_mcp.agents.http.drain import DrainMiddleware
from meshed_mcp.agents.http.request_context import LISTEN, SCOPE_KEY, SSE

pytestmark = pytest.mark.anyio


class Site:
    """Application behind DrainMiddleware whose slow responses wait for `go`."""

    def __init__(self) -> None:
        self.go = anyio.Event()
        self.arrived = anyio.Event()
        self.stream_kind = ""
        self.registry = CollectorRegistry()
        routes = [
            Route("/items/{item}", self.answer, methods=["GET", "POST", "PURGE"]),
            Route("/slow", self.slow, methods=["POST"]),
            Route("/events", self.events),
        ]
        self.middleware = DrainMiddleware(Starlette(routes=routes), self.registry)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.middleware), base_url="http://site")

    async def answer(self, _: Request) -> Response:
        """At once."""
        return PlainTextResponse("ok")

    async def slow(self, request: Request) -> Response:
        """When `go` is set; a stream when `stream_kind` says so."""
        context = request_context.from_request(request)
        assert context is not None
        context.operation = "tools/call search"
        if self.stream_kind:
            context.stream = self.stream_kind
        self.arrived.set()
        await self.go.wait()
        return PlainTextResponse("done")

    async def events(self, _: Request) -> Response:
        """One event, then silence."""

        async def stream() -> AsyncIterator[str]:
            yield "data: 1\n\n"
            self.arrived.set()
            await anyio.sleep_forever()

        return StreamingResponse(stream(), media_type="text/event-stream")

    def count(self, method: str, status: str, route: str) -> float | None:
        """Requests counted so far."""
        labels = {"http_request_method": method, "http_response_status_code": status, "http_route": route}
        return self.registry.get_sample_value(f"{contract.METRIC_HTTP_DURATION}_count", labels)

    def open_streams(self, kind: str) -> float | None:
        """Open streams of a kind."""
        return self.registry.get_sample_value(contract.METRIC_OPEN_STREAMS, {"kind": kind})


async def test_requests_are_counted_by_route_template_and_known_method() -> None:
    """OpenTelemetry HTTP conventions, `http.route` of low cardinality and `http.request.method` with `_OTHER`."""
    site = Site()
    for item in "abc":
        await site.client.get(f"/items/{item}")
    await site.client.request("PURGE", "/items/a")
    await site.client.get("/invented")
    assert site.count("GET", "200", "/items/{item}") == 3
    assert site.count("_OTHER", "200", "/items/{item}") == 1
    assert site.count("GET", "404", "_OTHER") == 1


async def test_requests_leave_no_reference_cycles() -> None:
    """Requirement RUN-13: reference cycles of a request would make each garbage collection slower."""
    seen: list[weakref.ref[object]] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(weakref.ref(scope[SCOPE_KEY]))
        await PlainTextResponse("ok")(scope, receive, send)

    async def nowhere(_: Message) -> None:
        pass

    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    middleware = DrainMiddleware(application, CollectorRegistry())
    gc.disable()
    try:
        await middleware({"type": "http", "method": "GET", "headers": [(b"host", b"site")]}, nothing, nowhere)
        assert [work() for work in seen] == [None]
    finally:
        gc.enable()


async def test_a_draining_replica_answers_503_and_finishes_in_flight_requests() -> None:
    """RFC 9110, section 15.6.4: 503 with Retry-After."""
    site = Site()
    responses = []

    async def call() -> None:
        responses.append((await site.client.post("/slow")).text)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        await site.arrived.wait()
        site.middleware.start_rejecting()
        refusal = await site.client.get("/items/a")
        site.go.set()
        await site.middleware.wait_drained(lambda: None)
    assert (refusal.status_code, refusal.headers["retry-after"]) == (503, "1")
    assert responses == ["done"]
    assert site.count("GET", "503", "_OTHER") == 1


async def test_a_draining_replica_ends_sessions_with_404() -> None:
    """MCP 2025-11-25, "Session Management": upon 404 a client starts a new session; after 503 it would return here."""
    site = Site()
    site.middleware.start_rejecting()
    assert site.middleware.rejecting
    response = await site.client.post("/items/a", headers={"Mcp-Session-Id": "2f6c1e0a"})
    assert (response.status_code, response.text) == (
        404,
        "This session ends with its replica. Begin a new one with initialize: the request was not executed.\n",
    )


async def test_a_draining_replica_sends_connection_close() -> None:
    """RFC 9112, section 9.6: `Connection: close` ends the connection after this response."""
    site = Site()
    assert "connection" not in (await site.client.get("/items/a")).headers
    site.middleware.start_connection_close()
    assert (await site.client.get("/items/a")).headers["connection"] == "close"


async def test_a_cancelled_request_is_logged_and_the_client_learns_it_may_have_run() -> None:
    """Requirement RUN-5: a forced cancellation is not reported as "not executed"."""
    site = Site()
    responses = []

    async def call() -> None:
        responses.append(await site.client.post("/slow"))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        await site.arrived.wait()
        (cancelled,) = site.middleware.cancel_in_flight()
    assert cancelled.startswith("POST /slow tools/call search (0.")
    assert responses[0].status_code == 500
    assert "may have taken effect" in responses[0].text
    assert "retry-after" not in responses[0].headers


async def test_ending_streams_is_repeated_until_the_last_has_ended() -> None:
    """Requirement RUN-1: a listen request accepted just before the drain may open its stream later."""
    site = Site()
    site.stream_kind = LISTEN
    streams_at_end = []

    def end_streams() -> None:
        streams_at_end.append(site.open_streams(LISTEN))
        if len(streams_at_end) == 2:
            site.go.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(site.client.post, "/slow")
        await site.arrived.wait()
        with anyio.fail_after(5):
            await site.middleware.wait_drained(end_streams)
    assert streams_at_end == [1, 1]
    assert site.open_streams(LISTEN) == 0
    assert site.count("POST", "200", "/slow") is None  # an hour of listening is not a slow request


async def test_an_open_event_stream_ends_with_a_last_chunk() -> None:
    """RFC 9112, section 7.1: without the last chunk the response is incomplete for the client."""
    site = Site()
    responses = []

    async def listen() -> None:
        responses.append(await site.client.get("/events"))  # returns when the application has sent its last chunk

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listen)
        await site.arrived.wait()
        assert site.open_streams(SSE) == 1
        with anyio.fail_after(5):
            await site.middleware.wait_drained(lambda: None)
    assert responses[0].text == "data: 1\n\n"
    assert site.open_streams(SSE) == 0


async def test_an_application_error_is_counted_and_passed_through() -> None:
    """Requirement RUN-12: the middleware hides no error from the server."""

    async def broken(*_: object) -> None:
        raise RuntimeError("broken")

    registry = CollectorRegistry()
    middleware = DrainMiddleware(broken, registry)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(middleware), base_url="http://site")
    with pytest.raises(RuntimeError, match="broken"):
        await client.get("/")
    with anyio.fail_after(1):
        await middleware.wait_drained(lambda: None)
    labels = {"http_request_method": "GET", "http_response_status_code": "500", "http_route": "_OTHER"}
    assert registry.get_sample_value(f"{contract.METRIC_HTTP_DURATION}_count", labels) == 1


async def test_the_lifespan_passes_through() -> None:
    """ASGI, "Lifespan Protocol": a wrapper hands every scope it does not know to the application."""
    started = []
    unused: Any = None

    async def application(scope: Scope, *_: object) -> None:
        started.append(scope["type"])

    await DrainMiddleware(application, CollectorRegistry())({"type": "lifespan"}, unused, unused)
    assert started == ["lifespan"]
