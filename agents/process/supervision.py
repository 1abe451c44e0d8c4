"""Supervisor of background tasks: logs and counts each failure, and restarts the task with exponential backoff."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from time import monotonic
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter

from meshed_mcp import contract

LARGEST_EXPONENT: Final = 16  # every limit is reached before; 2.0 ** failures would overflow after many failures
CANCEL_SECONDS: Final = 2.0
"""Time-out for the end of a cancelled task; a task that takes longer is logged and left behind."""

TaskFactory = Callable[[], Coroutine[Any, Any, None]]
"""Returns a coroutine that runs until it is cancelled. It is called again for each restart."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Backoff:
    """Exponential backoff up to a limit, half of it random (`jitter`, 0..1), so that pods do not retry together."""

    first_seconds: float
    last_seconds: float
    jitter: Callable[[], float] = random.random

    def seconds(self, failures: int) -> float:
        """Return the wait after this number of consecutive failures (>= 1)."""
        exponent = min(failures - 1, LARGEST_EXPONENT)
        longest = min(self.last_seconds, self.first_seconds * 2.0**exponent)
        return longest * (1 + self.jitter()) / 2


BACKOFF: Final = Backoff(first_seconds=1, last_seconds=30)


@dataclass(frozen=True)
class Restarts:
    """Wait of a supervisor before a restart; tests set their own `sleep`."""

    backoff: Backoff = BACKOFF
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep


@asynccontextmanager
async def supervised(
    name: str, work: TaskFactory, metrics: CollectorRegistry | None = None, restarts: Restarts | None = None
) -> AsyncIterator[None]:
    """Run `work` beside the block, restart it whenever it ends, and cancel it when the block ends.

    `name` is the task's name in the log and its label in `metrics`; use names of a fixed list.
    """
    counter = _restart_counter(metrics).labels(name)
    task = asyncio.create_task(_restarted(name, work, counter, restarts or Restarts()), name=name)
    try:
        yield
    finally:
        await cancel_and_wait(task)


async def cancel_and_wait(task: asyncio.Task[Any]) -> None:
    """Cancel the task and wait for its end, at most CANCEL_SECONDS."""
    task.cancel()
    _, late = await asyncio.wait({task}, timeout=CANCEL_SECONDS)
    if late:
        logger.warning("the task %r did not end within %g s of its cancellation", task.get_name(), CANCEL_SECONDS)


def log_failure(task: asyncio.Task[Any]) -> None:
    """Log the exception of a task that has ended: `task.add_done_callback(log_failure)`."""
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("the task %r failed", task.get_name(), exc_info=error)


async def _restarted(name: str, work: TaskFactory, counter: Counter, restarts: Restarts) -> None:
    failures = 0
    while True:
        began = monotonic()
        error = await _failure(work)
        failures = 1 if monotonic() - began > restarts.backoff.last_seconds else failures + 1
        wait = restarts.backoff.seconds(failures)
        end = "ended" if error is None else f"failed with {type(error).__name__}"
        counter.inc()
        logger.error("the background task %r %s; it restarts in %.1f s", name, end, wait, exc_info=error)
        await restarts.sleep(wait)


async def _failure(work: TaskFactory) -> BaseException | None:
    """Run `work` to its end and return its exception. Raises CancelledError when this task is cancelled."""
    try:
        await work()
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        return error  # a library cancelled `work` from inside: a failure like any other
    except Exception as error:  # noqa: BLE001 - the supervisor logs whatever ends the task
        return error
    return None


@cache
def _restart_counter(metrics: CollectorRegistry | None) -> Counter:
    return Counter(contract.METRIC_TASK_RESTARTS, "Restarts of failed background tasks.", ("task",), registry=metrics)
