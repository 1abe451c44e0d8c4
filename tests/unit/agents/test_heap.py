"""What ended sessions leave behind is freed without waiting for CPython's own search, and only when it is worth it."""

import asyncio
import contextvars
import gc
import time
import weakref
from collections.abc import Callable, Iterator
from functools import partial

import httpx2
import pytest
from mcp.server.streamable_http import StreamableHTTPServerTransport
from prometheus_client import CollectorRegistry

from meshed_mcp import contract
from meshed_mcp.agents import MCPService, heap
from meshed_mcp.agents.heap import Reclaim
from meshed_mcp.agents.sessions import SessionMetrics

pytestmark = pytest.mark.anyio

WAIT_SECONDS = 30


class Node:
    """Something that refers to itself, as an ended session does."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _only_we_search(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(heap, "SETTLE_SECONDS", 0.0)
    gc.disable()
    yield
    gc.enable()


async def until(condition: Callable[[], bool]) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition() and time.monotonic() < deadline:  # noqa: ASYNC110 - the garbage collector's doing
        await asyncio.sleep(0.01)
    return condition()


def garbage() -> weakref.ref[Node]:
    """A net of references that nothing reaches."""
    return weakref.ref(Node())


def collected(left: weakref.ref[Node]) -> bool:
    """Whether the garbage collector has found it."""
    return left() is None


async def test_ended_sessions_are_searched_for_garbage_once_as_many_have_ended_as_are_open() -> None:
    """Product rule: a search costs as much as there are open sessions, so these decide when it is worth it."""
    left, reclaim = garbage(), Reclaim(lambda: 2 * heap.LEAST_ENDED)
    for _ in range(2 * heap.LEAST_ENDED - 1):
        reclaim.session_ended()
    for _ in range(10):
        await asyncio.sleep(0)
    assert left() is not None
    reclaim.session_ended()
    assert await until(lambda: left() is None)


async def test_the_few_sessions_that_end_last_are_searched_for_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Product rule: an idle replica holds no ended session; each is scattered over memory that cannot go back."""
    monkeypatch.setattr(heap, "LAST_SECONDS", 0.0)
    left, still_open = garbage(), [1, 0]
    reclaim = Reclaim(lambda: still_open.pop(0))
    reclaim.session_ended()
    for _ in range(10):
        await asyncio.sleep(0)
    assert left() is not None
    reclaim.session_ended()
    assert await until(lambda: left() is None)


@pytest.mark.slow
async def test_no_call_in_work_is_stopped_by_the_search_unless_calls_never_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Product rule: a search of thousands of sessions stops the process for longer than a call may wait unnoticed."""
    calls = [1]
    for most_wait in (heap.MOST_WAIT_SECONDS, 0.0):
        monkeypatch.setattr(heap, "MOST_WAIT_SECONDS", most_wait)
        left, reclaim = garbage(), Reclaim(lambda: heap.LEAST_ENDED, lambda: calls[0])
        for _ in range(heap.LEAST_ENDED):
            reclaim.session_ended()
        if most_wait:
            await asyncio.sleep(4 * heap.IDLE_CHECK_SECONDS)
            assert left() is not None
            calls[0] = 0
        assert await until(partial(collected, left))
        calls[0] = 1


async def test_a_cancelled_timer_does_not_keep_its_context_until_it_is_due() -> None:
    """CPython 3.11, asyncio: timers that were cancelled are dropped once there are more than 100, and most of all."""
    held, variable = Node(), contextvars.ContextVar[Node]("held")
    left, context = weakref.ref(held), contextvars.copy_context()
    context.run(variable.set, held)
    asyncio.get_running_loop().call_later(3600, print, context=context).cancel()
    del held, context
    gc.collect()
    assert left() is not None
    heap.drop_cancelled_timers(heap.release)
    assert await until(lambda: left() is None)


@pytest.mark.slow
async def test_the_sdks_ended_sessions_are_freed() -> None:
    """Issue 4, figure: 10,000 sessions opened and abandoned give their memory back; SDK 2.3 leaves them in cycles."""
    service = MCPService("mcp-test")
    app = service.streamable_http_app(host="0.0.0.0")  # noqa: S104 - in process; every Host is served
    SessionMetrics(CollectorRegistry()).watch(service.session_manager)
    initialize = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": initialize}
    headers = {"accept": "application/json, text/event-stream"}

    def transports() -> int:
        return sum(isinstance(found, StreamableHTTPServerTransport) for found in gc.get_objects())

    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test", headers=headers) as http,
    ):
        before = transports()
        for _ in range(heap.LEAST_ENDED):
            opened = await http.post(contract.MCP_PATH, json=body)
            await http.delete(contract.MCP_PATH, headers={"mcp-session-id": opened.headers["mcp-session-id"]})
        assert await until(lambda: transports() == before)
