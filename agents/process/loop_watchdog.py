"""Watchdog of the event loop: logs which tool blocks it while it is blocked, and counts the seconds.

An `async` tool that blocks stops all in-flight requests of its replica and the probes.
"""

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from prometheus_client import CollectorRegistry, Counter

from meshed_mcp import contract
from meshed_mcp.agents.telemetry.metrics import CALL_METHOD

CHECK_SECONDS: Final = 0.25
CHECKS: Final = 4
"""Checks in a row without an iteration of the loop: a block of 1 s, half of a probe's time-out (components,
container.py). Checks are counted, not timed: a process without CPU time runs no checks and reports no block."""

NAME_CHARACTERS: Final = 128

_tools: Final[dict[asyncio.Task[Any], str]] = {}
"""Task -> name of the tool that it runs; written by the event loop's thread, read by the watchdog's."""

logger = logging.getLogger(__name__)


async def name_running_tool(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """SDK middleware that records which tool the current task runs; add it last, next to the tool."""
    task = asyncio.current_task()
    if ctx.method != CALL_METHOD or task is None:
        return await call_next(ctx)
    _tools[task] = str((ctx.params or {}).get("name"))[:NAME_CHARACTERS]
    try:
        return await call_next(ctx)
    finally:
        _tools.pop(task, None)


@contextmanager
def watched_event_loop(registry: CollectorRegistry) -> Iterator[None]:
    """Watch the running event loop inside the block."""
    watchdog = _Watchdog(asyncio.get_running_loop(), registry)
    watchdog.start()
    try:
        yield
    finally:
        watchdog.stop()


class _Watchdog:
    def __init__(self, loop: asyncio.AbstractEventLoop, registry: CollectorRegistry) -> None:
        self._loop = loop
        self._stopped = threading.Event()
        self._iterations, self._iterated_at, self._is_reported = 0, monotonic(), False
        self._timer: asyncio.TimerHandle | None = None
        self._seconds = Counter(
            contract.METRIC_LOOP_BLOCKED, "Seconds in which the event loop was blocked.", registry=registry
        )

    def start(self) -> None:
        self._iterate()
        threading.Thread(target=self._watch, name="event loop watchdog", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()
        if self._timer is not None:
            self._timer.cancel()

    def _iterate(self) -> None:
        """Runs in the event loop."""
        if self._is_reported:
            self._is_reported = False
            blocked = monotonic() - self._iterated_at
            self._seconds.inc(blocked)
            logger.warning("the event loop runs again after %.1f s", blocked)
        self._iterations, self._iterated_at = self._iterations + 1, monotonic()
        self._timer = self._loop.call_later(CHECK_SECONDS, self._iterate)

    def _watch(self) -> None:
        """Runs in the watchdog's thread."""
        seen, checks = self._iterations, 0
        while not self._stopped.wait(CHECK_SECONDS):
            checks = checks + 1 if self._iterations == seen else 0
            seen = self._iterations
            if checks == CHECKS:
                self._is_reported = True
                logger.warning("%s blocks the event loop: all other requests and the probes wait%s", *self._cause())

    def _cause(self) -> tuple[str, str]:
        task = asyncio.current_task(self._loop)
        if task is None:
            return "a callback", ""
        tool = _tools.get(task)
        if tool is None:
            return f"the task {task.get_name()}", ""
        return f"the tool {tool!r}", ". Declare it with `def`, so that it runs in a thread, or await what it waits for."
