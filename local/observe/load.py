"""Load generator: repeats the calls of a run in a thread, because alerts on ratios need traffic. Errors are ignored."""

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
"""The alerts need 100 calls by rates over five minutes, which a new run reaches in a minute or two."""

MAX_CONCURRENT_ROUNDS: Final = 20
"""Bound for slow services."""

EndpointCall = tuple[Endpoint, Call]


@contextmanager
def steady_calls(up: Running, calls: Sequence[Call]) -> Iterator[None]:
    """Make the calls ROUNDS_PER_SECOND times a second during the block."""
    services = {service.name: service for service in up.topology.stack.services}
    targets = [(to, each) for each in calls if (to := through_mesh(up, services[each.service])) is not None]
    ended = threading.Event()
    thread = threading.Thread(target=anyio.run, args=(repeat_calls, targets, ended), name="steady calls", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


async def repeat_calls(targets: Sequence[EndpointCall], ended: threading.Event) -> None:
    """Start a round each time it is due until `ended` is set, which cancels in-flight rounds."""
    limiter = anyio.CapacityLimiter(MAX_CONCURRENT_ROUNDS)
    async with anyio.create_task_group() as rounds:
        while not ended.is_set():
            if limiter.available_tokens:
                rounds.start_soon(_round, targets, limiter)
            await anyio.sleep(1 / ROUNDS_PER_SECOND)
        rounds.cancel_scope.cancel()


async def _round(targets: Sequence[EndpointCall], limiter: anyio.CapacityLimiter) -> None:
    async with limiter:
        for endpoint, each in targets:
            with suppress(LocalRunError):
                await call(endpoint, each.tool, each.arguments)
