"""The calls of the command made over and over while a run stays up: alerts on ratios want traffic.

Calls in, traffic out, in a thread of its own. What fails is not told: where a fault is on purpose, that is the point.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

import anyio

from meshed_mcp.local.clients import call
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.process.stack_runner import Running
from meshed_mcp.local.translate.endpoints import Endpoint, through_mesh
from meshed_mcp.local.verification import Call

ROUNDS_PER_SECOND: Final = 5.0
"""The alerts want 100 calls by rates over five minutes, which a fresh run fills slowly: enough in a minute or two."""

MOST_AT_A_TIME: Final = 20
"""Rounds that wait for answers; a slow service is not asked faster than it answers."""

Way = tuple[Endpoint, Call]


@contextmanager
def steady_calls(up: Running, calls: Sequence[Call]) -> Iterator[None]:
    """The calls, ROUNDS_PER_SECOND times a second for the block."""
    services = {service.name: service for service in up.topology.stack.services}
    ways = [(way, each) for each in calls if (way := through_mesh(up, services[each.service])) is not None]
    ended = threading.Event()
    thread = threading.Thread(target=anyio.run, args=(keep_calling, ways, ended), name="steady calls", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


async def keep_calling(ways: Sequence[Way], ended: threading.Event) -> None:
    """Begin a round each time it is due, until told to end; rounds in work are then given up."""
    places = anyio.CapacityLimiter(MOST_AT_A_TIME)
    async with anyio.create_task_group() as rounds:
        while not ended.is_set():
            if places.available_tokens:
                rounds.start_soon(one_round, ways, places)
            await anyio.sleep(1 / ROUNDS_PER_SECOND)
        rounds.cancel_scope.cancel()


async def one_round(ways: Sequence[Way], places: anyio.CapacityLimiter) -> None:
    """Every call once, one after the other."""
    async with places:
        for way, each in ways:
            with suppress(LocalRunError):
                await call(way, each.tool, each.arguments)
