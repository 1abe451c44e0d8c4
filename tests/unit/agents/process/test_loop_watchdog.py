"""The watchdog names the tool that blocks the event loop."""

import asyncio
import logging
import threading
from typing import Any

import pytest
from mcp import Client
from prometheus_client import CollectorRegistry

from meshed_mcp import contract
from meshed_mcp.agents import MCPService
from meshed_mcp.agents.process.loop_watchdog import CHECK_SECONDS, CHECKS, watched_event_loop

pytestmark = pytest.mark.anyio


class Reports(logging.Handler):
    """Log lines of the watchdog, and the release of what blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []
        self.reported = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        """Runs in the watchdog's thread, while the loop is blocked."""
        self.messages.append(record.getMessage())
        self.reported.set()


@pytest.fixture
def reports() -> Any:
    """Reports of the watchdog."""
    handler, logger = Reports(), logging.getLogger("meshed_mcp.agents.process.loop_watchdog")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


async def free_again(reports: Reports) -> None:
    """Wait for the line that ends a block."""
    async with asyncio.timeout(20):
        while len(reports.messages) < 2:  # noqa: ASYNC110 - the loop itself is what is watched
            await asyncio.sleep(CHECK_SECONDS)


async def test_a_blocking_tool_is_named_while_it_blocks_and_its_time_is_counted(reports: Reports) -> None:
    """Requirement RUN-1: a replica whose probes fail logs the tool that blocks the event loop."""
    service, registry = MCPService("mcp-blocking"), CollectorRegistry()

    @service.tool()
    async def crunch() -> str:
        """Block the loop until the watchdog has reported it."""
        assert reports.reported.wait(20)
        return "done"

    with watched_event_loop(registry):
        async with Client(service) as client:
            result = await client.call_tool("crunch")
        await free_again(reports)
    assert not result.is_error
    first, second = reports.messages
    assert first.startswith("the tool 'crunch' blocks the event loop: ")
    assert "`def`" in first
    assert second.startswith("the event loop runs again after ")
    seconds = registry.get_sample_value(contract.METRIC_LOOP_BLOCKED)
    assert seconds is not None
    assert seconds >= CHECKS * CHECK_SECONDS


async def test_blocking_code_outside_a_tool_is_named_by_its_task(reports: Reports) -> None:
    """Requirement RUN-1: the watchdog names a blocking task of the application, too."""

    async def refresh() -> None:
        assert reports.reported.wait(20)

    with watched_event_loop(CollectorRegistry()):
        await asyncio.create_task(refresh(), name="refresh cache")
        await free_again(reports)
    assert reports.messages[0].startswith("the task refresh cache blocks the event loop: ")


async def test_a_tool_in_a_thread_does_not_block(reports: Reports) -> None:
    """Official SDK 2.3: a tool that is no coroutine function runs in a worker thread."""
    service, turns = MCPService("mcp-threads"), 0
    done = threading.Event()

    @service.tool()
    def read() -> str:
        """Wait until the event loop has run for longer than a block."""
        assert done.wait(20)
        return "done"

    with watched_event_loop(CollectorRegistry()):
        async with Client(service) as client, asyncio.TaskGroup() as tasks:
            call = tasks.create_task(client.call_tool("read"))
            while turns < 2 * CHECKS:
                await asyncio.sleep(CHECK_SECONDS)
                turns += 1
            done.set()
            await call
    assert not reports.messages
