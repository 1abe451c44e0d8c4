"""No tool runs twice that does not say it may: a real server counts, a proxy breaks connections everywhere."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import anyio
import pytest

from meshed_mcp.agents import DestinationError, ServiceClient
from tests.behaviours.counting_service import ANNOTATED, UNANNOTATED, CountingService
from tests.behaviours.cutting_proxy import CUTS, SILENT, UNEXECUTED, CuttingProxy, cutting

pytestmark = pytest.mark.anyio

TRIES = 3
IN_FLIGHT = 16


@dataclass
class Line:
    """A client, the proxy and the server behind it."""

    client: ServiceClient
    proxy: CuttingProxy
    executions: Counter[str]

    async def outcome(self, tool: str, token: str, **arguments: Any) -> str:
        """Text of the answer, or "failed"."""
        try:
            result = await self.client.call_tool(tool, {"token": token, **arguments}, progress_callback=self.progress)
        except DestinationError:
            return "failed"
        assert not result.is_error, result
        return "answered"

    progress: Any = None


@pytest.fixture(params=["2026-07-28", "legacy"])
async def line(request: pytest.FixtureRequest) -> AsyncIterator[Line]:
    """The line, for each era of the protocol."""
    counting = CountingService()
    async with (
        counting.serving() as port,
        cutting(port) as (proxy, url),
        ServiceClient(url, mode=request.param) as client,
    ):
        yield Line(client, proxy, counting.executions)


async def watched(progress: float, total: float | None, message: str | None) -> None:
    """A listener for progress: with one, a server answers by an event stream."""


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("tool", UNANNOTATED)
async def test_a_tool_without_a_hint_runs_at_most_once_wherever_the_connection_breaks(
    line: Line, tool: str, cut: str
) -> None:
    """Issue 4, item 10: never a second execution of anything else."""
    for reset, line.progress in product((False, True), (None, watched)):
        token = f"{reset} {line.progress}"
        assert await line.outcome(tool, token, cut=cut, reset=reset) == "failed"
        assert line.proxy.cuts[token] == 1
        assert line.executions[token] == (cut not in UNEXECUTED)


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("tool", ANNOTATED)
async def test_an_annotated_tool_is_called_again_only_before_a_byte_of_its_answer(
    line: Line, tool: str, cut: str
) -> None:
    """Issue 4, item 10: read-only or idempotent, and before any byte of an answer."""
    for reset, line.progress in product((False, True), (None, watched)):
        token = f"{reset} {line.progress}"
        outcome = await line.outcome(tool, token, cut=cut, reset=reset)
        assert outcome == ("answered" if cut in SILENT else "failed")
        assert line.proxy.cuts[token] == 1 + (cut in SILENT)
        assert line.executions[token] == 1 + (cut == "after the request")


async def test_at_every_single_byte_the_rule_holds(line: Line) -> None:
    """Issue 4, item 10, without trusting the choice of places: every length of an answer is tried for both kinds."""
    limit = anyio.Semaphore(IN_FLIGHT)

    async def broken_at(length: int) -> None:
        async with limit:
            await line.outcome("write", f"write {length}", cut=str(length))
            await line.outcome("read", f"read {length}", cut=str(length))

    async with anyio.create_task_group() as calls:
        for length in range(300):
            calls.start_soon(broken_at, length)
    assert {token: runs for token, runs in line.executions.items() if runs > 1} == {"read 0": 2}
    assert line.executions.total() == 601


async def test_a_peer_that_never_answers_is_tried_a_bounded_number_of_times(line: Line) -> None:
    """Product rule: three tries in all."""
    assert await line.outcome("read", "t", cut="after the request", times=100) == "failed"
    assert line.executions["t"] == TRIES


async def test_a_call_through_a_sound_connection_runs_once(line: Line) -> None:
    """Product rule: the happy path has no second request."""
    assert await line.outcome("read", "t") == "answered"
    assert line.proxy.cuts["t"] == line.executions["t"] == 1
