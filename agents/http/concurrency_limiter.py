"""Who gets in: gives requests a place or lets them wait for one, and ends those that take too long.

In: requests that the gate lets pass. Out: the application's answers; 408 for those that do not arrive, 503 for those
that find neither place nor queue; the queue's metric. Every request takes a place; what becomes a stream gives it back.
Not here: the numbers (limits.py), bodies (body_reader.py), the deadline as the SDK sees it (deadline.py), drain
(drain.py).
"""

import asyncio
import math
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import anyio
from prometheus_client import CollectorRegistry, Gauge
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from meshed_mcp import contract
from meshed_mcp.agents.http import responses
from meshed_mcp.agents.http.body_reader import Intake, TurnedAwayError, VanishedError
from meshed_mcp.agents.http.deadline import answer_overdue
from meshed_mcp.agents.http.limits import brackets, needs_no_place
from meshed_mcp.agents.http.rejections import OVERLOAD, SLOW
from meshed_mcp.agents.http.request_context import Work, work_in
from meshed_mcp.agents.process.supervision import log_failure
from meshed_mcp.agents.settings import Settings

OVERDUE_SECONDS: Final = 1.0
"""How long after its deadline a call that cannot be cancelled, for it blocks a thread, is answered in its place."""


@dataclass(eq=False)
class _Entry:
    """One request on its way in."""

    work: Work
    receive: Receive = field(repr=False)
    send: Send = field(repr=False)
    due: float
    """Time of the event loop at which something happens to the request by itself."""

    timer: asyncio.TimerHandle | None = field(default=None, repr=False)
    has_place: bool = False
    is_answered: bool = False
    """By us, in the application's place: what it still says is dropped."""


class Admission:
    """ASGI middleware between the gate and an application; one per process."""

    def __init__(self, app: ASGIApp, settings: Settings, registry: CollectorRegistry) -> None:
        self._app = app
        self._intake = Intake(settings)
        self._places = anyio.CapacityLimiter(settings.concurrent_calls)
        self._queued_calls = settings.queued_calls
        self._read_seconds = settings.read_seconds
        self._call_seconds = settings.effective_call_seconds
        self._answering: set[asyncio.Task[None]] = set()
        Gauge(contract.METRIC_QUEUE_DEPTH, "Calls that wait for a place.", registry=registry).set_function(
            lambda: self._places.statistics().tasks_waiting
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request when its time comes, or answer why not."""
        work = work_in(scope)
        if work is None:  # no HTTP request
            await self._app(scope, receive, send)
            return
        work.admitted = False
        entry = self._watched(work, receive, send)
        try:
            body = await self._intake.body(work, receive)
            work.brackets = brackets(body)
            entry.due = work.deadline = asyncio.get_running_loop().time() + self._call_seconds
            await self._enter(entry, body)
            work.admitted = True
            await self._run(entry, body)
        except TurnedAwayError as turned_away:
            work.refuse(turned_away.reason)
            await turned_away.answer(scope, receive, send)
        except VanishedError:
            pass
        finally:
            self._leave(entry)

    def _watched(self, work: Work, receive: Receive, send: Send) -> _Entry:
        """One timer for all that may happen: the first look is before the earliest of it."""
        loop = asyncio.get_running_loop()
        entry = _Entry(work, receive, send, loop.time() + self._read_seconds)
        entry.timer = loop.call_later(min(self._read_seconds, self._call_seconds), self._look, entry)
        return entry

    def _look(self, entry: _Entry) -> None:
        work, loop = entry.work, asyncio.get_running_loop()
        if loop.time() >= entry.due:
            if work.deadline == math.inf:
                work.turn_away(responses.TOO_SLOW, SLOW)
                return
            if not work.admitted:
                work.turn_away(responses.OVERLOADED, OVERLOAD)
                return
            if entry.due > work.deadline:
                self._end_overdue(entry)
                return
            if work.call is not None:
                work.call.cancel()
            entry.due = work.deadline + OVERDUE_SECONDS
        entry.timer = loop.call_at(entry.due, self._look, entry)

    async def _enter(self, entry: _Entry, body: bytes) -> None:
        try:
            self._places.acquire_on_behalf_of_nowait(entry.work)
        except anyio.WouldBlock:
            if needs_no_place(entry.work.scope, body):
                return
            if self._places.statistics().tasks_waiting >= self._queued_calls:
                raise TurnedAwayError(responses.OVERLOADED, OVERLOAD) from None
            await self._wait(entry.work, entry.receive)
        entry.has_place = True

    async def _wait(self, work: Work, receive: Receive) -> None:
        gone = True
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_cancel_when_gone, receive, tasks.cancel_scope)
            await self._places.acquire_on_behalf_of(work)
            gone = False
            tasks.cancel_scope.cancel()
        if gone:
            raise VanishedError

    def _leave(self, entry: _Entry) -> None:
        if entry.timer is not None:
            entry.timer.cancel()
        if entry.work.call is not None:  # a session's call goes on without its client; its deadline stays
            entry.work.call.deadline = entry.work.deadline
        self._intake.release(entry.work)
        self._give_back(entry)

    def _give_back(self, entry: _Entry) -> None:
        if entry.has_place:
            entry.has_place = False
            self._places.release_on_behalf_of(entry.work)

    async def _run(self, entry: _Entry, body: bytes) -> None:
        whole: Message | None = {"type": "http.request", "body": body, "more_body": False}

        async def replay() -> Message:
            nonlocal whole
            message, whole = whole, None
            return message or await entry.receive()

        await self._app(entry.work.scope, replay, partial(self._send, entry))

    async def _send(self, entry: _Entry, message: Message) -> None:
        if entry.is_answered:
            return
        await entry.send(message)
        if entry.work.stream:
            self._give_back(entry)

    def _end_overdue(self, entry: _Entry) -> None:
        if not (entry.work.stream or entry.work.ended):
            task = asyncio.create_task(self._answer_overdue(entry), name="response to an overdue call")
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
            task.add_done_callback(log_failure)

    async def _answer_overdue(self, entry: _Entry) -> None:
        """Answer for a call that does not heed its deadline; its place stays taken until it ends."""
        entry.is_answered = True
        await answer_overdue(entry.work, self._call_seconds, entry.receive, entry.send)
        entry.work.cancel.cancel()


async def _cancel_when_gone(receive: Receive, waiting: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    waiting.cancel()
