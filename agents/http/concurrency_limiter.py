"""ASGI middleware that bounds concurrency, queue and bodies and enforces deadlines: 408, 413, 503."""

import asyncio
import math
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import anyio
from prometheus_client import CollectorRegistry, Gauge
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from meshed_mcp import contract
from meshed_mcp.agents.http import rejections, request_context
from meshed_mcp.agents.http.body_reader import BodyReader, ClientDisconnectedError, RequestRejectedError, replayed
from meshed_mcp.agents.http.deadline import send_overdue_response
from meshed_mcp.agents.http.limits import bypasses_limit, nesting_bound
from meshed_mcp.agents.http.rejections import OVERLOAD, SLOW
from meshed_mcp.agents.http.request_context import RequestContext
from meshed_mcp.agents.process.supervision import log_failure
from meshed_mcp.agents.settings import Settings

OVERDUE_SECONDS: Final = 1.0
"""Wait after the deadline before the response to a call that ignores its cancellation because it blocks a thread."""


@dataclass(eq=False)
class _Entry:
    """One request in this middleware."""

    context: RequestContext
    receive: Receive = field(repr=False)
    send: Send = field(repr=False)
    due: float
    """Event loop time of the next action of the timer."""

    timer: asyncio.TimerHandle | None = field(default=None, repr=False)
    has_slot: bool = False
    is_answered: bool = False
    """By the middleware: what the application still sends is dropped."""


class ConcurrencyLimitMiddleware:
    """ASGI middleware, one per process. Each request takes a concurrency slot; a stream gives it back when it opens."""

    def __init__(self, app: ASGIApp, settings: Settings, registry: CollectorRegistry) -> None:
        self._app = app
        self._bodies = BodyReader(settings)
        self._slots = anyio.CapacityLimiter(settings.concurrent_calls)
        self._queued_calls = settings.queued_calls
        self._path = settings.path
        self._read_seconds = settings.read_seconds
        self._call_seconds = settings.effective_call_seconds
        self._answering: set[asyncio.Task[None]] = set()
        Gauge(contract.METRIC_QUEUE_DEPTH, "Queued requests.", registry=registry).set_function(
            lambda: self._slots.statistics().tasks_waiting
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request once it has a slot, or reject it."""
        context = request_context.from_scope(scope)
        if context is None:  # no HTTP request
            await self._app(scope, receive, send)
            return
        context.admitted = False
        entry = self._timed_entry(context, receive, send)
        try:
            body = await self._bodies.read(context, receive)
            context.nesting_bound = nesting_bound(body)
            entry.due = context.deadline = asyncio.get_running_loop().time() + self._call_seconds
            await self._acquire(entry, body)
            context.admitted = True
            await self._run(entry, body)
        except RequestRejectedError as rejected:
            context.rejection = rejected.reason
            await rejected.response(scope, receive, send)
        except ClientDisconnectedError:
            pass
        finally:
            self._finish(entry)

    def _timed_entry(self, context: RequestContext, receive: Receive, send: Send) -> _Entry:
        """Create the entry with one timer for all its deadlines, which fires at the earliest of them."""
        loop = asyncio.get_running_loop()
        entry = _Entry(context, receive, send, loop.time() + self._read_seconds)
        entry.timer = loop.call_later(min(self._read_seconds, self._call_seconds), self._check, entry)
        return entry

    def _check(self, entry: _Entry) -> None:
        context, loop = entry.context, asyncio.get_running_loop()
        if loop.time() >= entry.due:
            if context.deadline == math.inf:
                context.reject(rejections.TOO_SLOW, SLOW)
                return
            if not context.admitted:
                context.reject(rejections.OVERLOADED, OVERLOAD)
                return
            if entry.due > context.deadline:
                self._end_overdue(entry)
                return
            if context.call is not None:
                context.call.cancel()
            entry.due = context.deadline + OVERDUE_SECONDS
        entry.timer = loop.call_at(entry.due, self._check, entry)

    async def _acquire(self, entry: _Entry, body: bytes) -> None:
        try:
            self._slots.acquire_on_behalf_of_nowait(entry.context)
        except anyio.WouldBlock:
            if bypasses_limit(entry.context.scope, body, self._path):
                return
            if self._slots.statistics().tasks_waiting >= self._queued_calls:
                raise RequestRejectedError(rejections.OVERLOADED, OVERLOAD) from None
            await self._wait_for_slot(entry)
        entry.has_slot = True

    async def _wait_for_slot(self, entry: _Entry) -> None:
        disconnected = True
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_cancel_on_disconnect, entry.receive, tasks.cancel_scope)
            await self._slots.acquire_on_behalf_of(entry.context)
            disconnected = False
            tasks.cancel_scope.cancel()
        if disconnected:
            raise ClientDisconnectedError

    def _finish(self, entry: _Entry) -> None:
        if entry.timer is not None:
            entry.timer.cancel()
        if entry.context.call is not None:  # a session's call goes on without its client; its deadline stays
            entry.context.call.deadline = entry.context.deadline
        self._bodies.release(entry.context)
        self._release_slot(entry)

    def _release_slot(self, entry: _Entry) -> None:
        if entry.has_slot:
            entry.has_slot = False
            self._slots.release_on_behalf_of(entry.context)

    async def _run(self, entry: _Entry, body: bytes) -> None:
        await self._app(entry.context.scope, replayed(body, entry.receive), partial(self._send, entry))

    async def _send(self, entry: _Entry, message: Message) -> None:
        if entry.is_answered:
            return
        await entry.send(message)
        if entry.context.stream:
            self._release_slot(entry)

    def _end_overdue(self, entry: _Entry) -> None:
        if not (entry.context.stream or entry.context.ended):
            task = asyncio.create_task(self._answer_overdue(entry), name="response to an overdue call")
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
            task.add_done_callback(log_failure)

    async def _answer_overdue(self, entry: _Entry) -> None:
        """Respond for a call that ignores its deadline; its slot stays taken until it ends."""
        entry.is_answered = True
        await send_overdue_response(entry.context, self._call_seconds, entry.receive, entry.send)
        entry.context.cancel.cancel()


async def _cancel_on_disconnect(receive: Receive, waiting: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    waiting.cancel()
