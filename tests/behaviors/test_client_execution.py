"""At-most-once execution: a real server counts calls while a proxy breaks connections at every point."""

import logging
import socket
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import anyio
import pytest

from meshed_mcp import contract
from meshed_mcp.agents import DestinationError, ServiceClient
from meshed_mcp.agents.http.listener import bind_socket, listening
from tests.behaviors.counting_service import ANNOTATED, UNANNOTATED, CountingService
from tests.behaviors.cutting_proxy import BEGUN, CUTS, UNEXECUTED, CuttingProxy, cutting

pytestmark = pytest.mark.anyio

TRIES = 3
IN_FLIGHT = 16
LOGGER = logging.getLogger("meshed_mcp.agents.client.service_client")


@dataclass
class Line:
    """A client, the proxy and the server behind it."""

    client: ServiceClient
    proxy: CuttingProxy
    executions: Counter[str]

    async def outcome(self, tool: str, token: str, **arguments: Any) -> str:
        """Return "answered" or "failed"."""
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
    """A listener for progress: with one, a server sends an event stream."""


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("tool", UNANNOTATED)
async def test_a_tool_without_a_hint_runs_at_most_once_wherever_the_connection_breaks(
    line: Line, tool: str, cut: str
) -> None:
    """Requirement RUN-17: a tool that is neither read-only nor idempotent is never executed twice."""
    for reset, line.progress in product((False, True), (None, watched)):
        token = f"{reset} {line.progress}"
        assert await line.outcome(tool, token, cut=cut, reset=reset) == "failed"
        assert line.proxy.cuts[token] == 1
        assert line.executions[token] == (cut not in UNEXECUTED)


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("tool", ANNOTATED)
async def test_an_annotated_tool_is_retried_when_its_response_is_lost(line: Line, tool: str, cut: str) -> None:
    """Requirement RUN-17: a second execution is harmless, so a lost response is requested again.

    A call whose event stream has started is not retried: its progress was delivered.
    """
    for reset, line.progress in product((False, True), (None, watched)):
        token = f"{reset} {line.progress}"
        outcome = await line.outcome(tool, token, cut=cut, reset=reset)
        begun = cut in BEGUN and token in line.proxy.streamed
        assert outcome == ("failed" if begun else "answered")
        assert line.proxy.cuts[token] == 2 - begun
        assert line.executions[token] == 2 - begun - (cut in UNEXECUTED)


async def test_retries_are_safe_at_every_byte_of_a_response(line: Line) -> None:
    """Requirement RUN-17: every length of a response is tried for both kinds of tools."""
    limit = anyio.Semaphore(IN_FLIGHT)

    async def broken_at(length: int) -> None:
        async with limit:
            await line.outcome("write", f"write {length}", cut=str(length))
            outcome = await line.outcome("read", f"read {length}", cut=str(length))
            assert outcome == "answered" or f"read {length}" in line.proxy.streamed

    async with anyio.create_task_group() as calls:
        for length in range(300):
            calls.start_soon(broken_at, length)
    written = {token: runs for token, runs in line.executions.items() if token.startswith("write")}
    assert set(written.values()) == {1}
    assert len(written) == 300
    assert line.executions["read 0"] == 2
    assert max(line.executions.values()) == 2


@pytest.mark.parametrize("tool", [*ANNOTATED, *UNANNOTATED])
async def test_any_tool_is_retried_when_its_connection_was_not_opened(
    caplog: pytest.LogCaptureFixture, tool: str
) -> None:
    """RFC 9110, section 9.2.2: a client may repeat a request when it can tell that it was not applied."""
    first, second = CountingService(), CountingService()
    listener = bind_socket("127.0.0.1", contract.ENV_PORT, 0)
    port = listener.getsockname()[1]
    reopen = Reopen(port)
    caplog.set_level(logging.INFO, logger=LOGGER.name)
    LOGGER.addHandler(reopen)
    async with ServiceClient(f"http://127.0.0.1:{port}/mcp") as client, anyio.create_task_group() as tasks:
        async with listening(first.app(), listener):
            await client.call_tool(tool, {"token": "t"})
        with anyio.fail_after(20):
            tasks.start_soon(client.call_tool, tool, {"token": "t"})
            await reopen.done.wait()
            async with listening(second.app(), reopen.listeners[0]):
                while not second.executions:  # noqa: ASYNC110 - the service counts and has no event
                    await anyio.sleep(0.01)
    LOGGER.removeHandler(reopen)
    assert (first.executions, second.executions) == ({"t": 1}, {"t": 1})


class Reopen(logging.Handler):
    """Opens the port when the client logs that it will try again, before it does."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port
        self.done = anyio.Event()
        self.listeners = list[socket.socket]()

    def emit(self, _: logging.LogRecord) -> None:
        """Open it once."""
        if not self.listeners:
            self.listeners.append(bind_socket("127.0.0.1", contract.ENV_PORT, self._port))
            self.done.set()


async def test_a_peer_that_never_responds_is_tried_a_bounded_number_of_times(line: Line) -> None:
    """Requirement RUN-17: three attempts in all."""
    assert await line.outcome("read", "t", cut="after the request", times=100) == "failed"
    assert line.executions["t"] == TRIES


async def test_a_call_through_a_healthy_connection_runs_once(line: Line) -> None:
    """Requirement RUN-17: the happy path has no second request."""
    assert await line.outcome("read", "t") == "answered"
    assert line.proxy.cuts["t"] == line.executions["t"] == 1
