"""Supervision of background tasks that fail."""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest
from mcp.server.subscriptions import ToolsListChanged
from prometheus_client import CollectorRegistry, Metric

from meshed_mcp import contract
from meshed_mcp.agents.process import supervision
from meshed_mcp.agents.process.supervision import Backoff, Restarts, cancel_and_wait, log_failure, supervised
from meshed_mcp.agents.state.redis_bus import _Relay
from meshed_mcp.agents.state.subscriptions import Outbox, ReplicaBus

pytestmark = pytest.mark.anyio

BOUND_SECONDS = 20


@dataclass
class Work:
    """Fails as often as a test says, then runs until it is cancelled."""

    failures: list[BaseException | None]
    waits: list[float] = field(default_factory=list)
    runs: asyncio.Event = field(default_factory=asyncio.Event)
    is_cancelled: bool = False

    async def __call__(self) -> None:
        """Run once."""
        if self.failures:
            if (failure := self.failures.pop(0)) is not None:
                raise failure
            return
        self.runs.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.is_cancelled = True
            raise

    def restarts(self) -> Restarts:
        """Restarts that do not wait, and note how long they would."""

        async def sleep(seconds: float) -> None:
            self.waits.append(seconds)

        return Restarts(Backoff(first_seconds=1, last_seconds=4, jitter=lambda: 1.0), sleep)


FAILURES = [
    pytest.param(RuntimeError("broken"), id="an exception"),
    pytest.param(ExceptionGroup("both", [ValueError("a"), OSError("b")]), id="an exception group"),
    pytest.param(asyncio.CancelledError(), id="a cancellation from inside"),
    pytest.param(None, id="an end without an error"),
]


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_task_that_ends_is_logged_counted_and_restarted(
    failure: BaseException | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Requirement RUN-8: no background task ends silently."""
    work, metrics = Work([failure] * 4), CollectorRegistry()
    async with supervised("example", work, metrics, work.restarts()):
        async with asyncio.timeout(BOUND_SECONDS):
            await work.runs.wait()
    assert work.is_cancelled
    assert work.waits == [1, 2, 4, 4]
    assert metrics.get_sample_value(contract.METRIC_TASK_RESTARTS, {"task": "example"}) == 4
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 4
    assert all("'example'" in message for message in caplog.messages)
    assert (failure is None) == all(not record.exc_info for record in caplog.records)


async def test_a_task_that_ran_for_long_restarts_with_the_shortest_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requirement RUN-8: one failure per day restarts at once, not after the longest backoff."""
    now = iter(range(0, 1000, 100))
    monkeypatch.setattr(supervision, "monotonic", lambda: next(now))
    work = Work([RuntimeError("broken")] * 3)
    async with supervised("example", work, restarts=work.restarts()), asyncio.timeout(BOUND_SECONDS):
        await work.runs.wait()
    assert work.waits == [1, 1, 1]


async def test_a_task_that_does_not_end_is_abandoned_at_drain(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Requirement RUN-2: a drain waits for no task longer than CANCEL_SECONDS."""
    monkeypatch.setattr(supervision, "CANCEL_SECONDS", 0.05)
    over = asyncio.Event()

    async def stubborn() -> None:
        while not over.is_set():
            try:
                await over.wait()
            except asyncio.CancelledError:
                continue

    task = asyncio.create_task(stubborn(), name="stubborn")
    await asyncio.sleep(0)
    await cancel_and_wait(task)
    assert caplog.messages == ["the task 'stubborn' did not end within 0.05 s of its cancellation"]
    over.set()
    await asyncio.wait_for(task, BOUND_SECONDS)


async def test_a_one_shot_task_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Requirement RUN-8: no background task ends silently; asyncio logs it only when the task is collected."""

    async def fail() -> None:
        raise RuntimeError("broken")

    task = asyncio.create_task(fail(), name="once")
    task.add_done_callback(log_failure)
    await asyncio.wait({task}, timeout=BOUND_SECONDS)
    await asyncio.sleep(0)
    assert caplog.messages == ["the task 'once' failed"]


class BrokenRedis:
    """Responds to the first command, then fails with an unexpected exception."""

    def __init__(self) -> None:
        self.reads = 0
        self.reading = asyncio.Event()

    async def client(self) -> "BrokenRedis":
        """Itself: its login never changes."""
        return self

    async def xrevrange(self, _stream: str, count: int) -> list[tuple[bytes, dict[bytes, bytes]]]:
        """Newest entry: none."""
        assert count == 1
        return []

    async def xread(self, *_: object, **__: object) -> list[object]:
        """Fail once, then wait for entries."""
        self.reads += 1
        if self.reads == 1:
            raise RuntimeError("broken")
        self.reading.set()
        await asyncio.Event().wait()
        return []


async def test_a_failing_relay_reports_disconnected_and_restarts(caplog: pytest.LogCaptureFixture) -> None:
    """Requirement RUN-8: the gauge of the bus shows the real state, whatever ended the relay."""
    metrics, redis = CollectorRegistry(), BrokenRedis()
    bus, states = ReplicaBus(metrics), list[float | None]()

    async def sleep(_seconds: float) -> None:
        states.append(metrics.get_sample_value(contract.METRIC_BUS_CONNECTED))

    relay = _Relay(bus, Outbox(lambda: None), redis, "stream")
    async with supervised("bus", relay.run, metrics, Restarts(sleep=sleep)), asyncio.timeout(BOUND_SECONDS):
        await redis.reading.wait()
        assert bus.connected is True
    assert states == [0]
    assert "RuntimeError" in caplog.text


async def test_publishing_reads_no_collector_and_logs_a_missing_redis_once(caplog: pytest.LogCaptureFixture) -> None:
    """Requirement RUN-10: a publication costs the same, however many metrics a process has."""

    class Unread(CollectorRegistry):
        def collect(self) -> Iterable[Metric]:
            pytest.fail("a publication collected all metrics")

    bus = ReplicaBus(Unread())
    bus.replicas_unreachable = True
    for _ in range(3):
        await bus.publish(ToolsListChanged())
    assert len(caplog.messages) == 1
