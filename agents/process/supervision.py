"""Background tasks that restart when they fail.

In: a name and a function that returns a fresh coroutine. Out: a running task; each failure is logged with its
traceback, counted in `mcp_background_task_restarts_total`, and followed by a restart after a backoff.
`log_failure` is for the other kind: one-shot tasks that nothing awaits.
Not here: failures that a task expects, such as a server that is away (it handles them itself).
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final
from weakref import WeakKeyDictionary

from prometheus_client import CollectorRegistry, Counter

from meshed_mcp import contract
from meshed_mcp.agents.process.backoff import Backoff

BACKOFF: Final = Backoff(first_seconds=1, last_seconds=30)

CANCEL_SECONDS: Final = 2.0
"""How long a task may take to end after its cancellation; a task that takes longer is logged and left behind."""

Work = Callable[[], Coroutine[Any, Any, None]]
"""Returns a coroutine that runs until it is cancelled. It is called again for each restart."""

logger = logging.getLogger(__name__)
_counters: Final[WeakKeyDictionary[CollectorRegistry, Counter]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Restarts:
    """How long a supervisor waits before a restart; tests set their own `sleep`."""

    backoff: Backoff = BACKOFF
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep


@asynccontextmanager
async def supervised(
    name: str, work: Work, metrics: CollectorRegistry | None = None, restarts: Restarts | None = None
) -> AsyncIterator[None]:
    """Run `work` beside the block, restart it whenever it ends, and cancel it when the block ends.

    `name` is the task's name in the log and its label in `metrics`, so take it from a fixed list.
    """
    counter = _counter(CollectorRegistry() if metrics is None else metrics).labels(name)
    task = asyncio.create_task(_restarted(name, work, counter, restarts or Restarts()), name=name)
    try:
        yield
    finally:
        await cancelled(task)


async def cancelled(task: asyncio.Task[Any]) -> None:
    """Cancel the task and wait for its end, at most CANCEL_SECONDS."""
    task.cancel()
    _, late = await asyncio.wait({task}, timeout=CANCEL_SECONDS)
    if late:
        logger.warning("the task %r did not end within %g s of its cancellation", task.get_name(), CANCEL_SECONDS)


def log_failure(task: asyncio.Task[Any]) -> None:
    """Log the exception of a task that has ended: `task.add_done_callback(log_failure)`."""
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("the task %r failed", task.get_name(), exc_info=error)


async def _restarted(name: str, work: Work, counter: Counter, restarts: Restarts) -> None:
    failures = 0
    while True:
        began = monotonic()
        error = await _failure(work)
        failures = 1 if monotonic() - began > restarts.backoff.last_seconds else failures + 1
        wait = restarts.backoff.seconds(failures)
        counter.inc()
        logger.error("the background task %r %s; it restarts in %.1f s", name, _end(error), wait, exc_info=error)
        await restarts.sleep(wait)


async def _failure(work: Work) -> BaseException | None:
    """Run the work to its end and return what it failed with. Raises CancelledError when this task is cancelled."""
    try:
        await work()
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        return error  # a library cancelled the work from inside: for the supervisor that is a failure like others
    except Exception as error:  # noqa: BLE001 - the supervisor's purpose: whatever ends the task is logged
        return error
    return None


def _end(error: BaseException | None) -> str:
    return "ended" if error is None else f"failed with {type(error).__name__}"


def _counter(metrics: CollectorRegistry) -> Counter:
    found = _counters.get(metrics)
    if found is None:
        found = _counters[metrics] = Counter(
            contract.METRIC_TASK_RESTARTS, "Restarts of background tasks that failed.", ("task",), registry=metrics
        )
    return found
