"""Runs a service with fault injection in its tools.

Usage: `python -m meshed_mcp.local.faulty_service KIND (-m MODULE | FILE) ARGUMENT...`. It wraps the SDK's method, so
that metrics, limits and spans record the fault as one of the tool.
"""

import asyncio
import runpy
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from itertools import count
from typing import Any, Final

from mcp.server import MCPServer

SLOW_SECONDS: Final = 3.0
"""More than the default latency objective of 2 s."""

EVERY: Final = 2
"""One of this number of calls fails."""

START_SIGNAL: Final = signal.SIGUSR2
"""Starts the fault."""

ToolCall = Callable[[], Awaitable[Any]]


async def failing(calls: Iterator[int], call_tool: ToolCall) -> Any:
    """Fail one call in EVERY."""
    if next(calls) % EVERY == 0:
        raise RuntimeError("a fault on purpose (meshed-mcp local --fault)")
    return await call_tool()


async def delayed(_: Iterator[int], call_tool: ToolCall) -> Any:
    """Delay every call."""
    await asyncio.sleep(SLOW_SECONDS)
    return await call_tool()


KINDS: Final = {"errors": failing, "slow": delayed}


def wrap(kind: str) -> None:
    """Wrap the SDK's tool calls with the fault."""
    call_tool, calls, fault = MCPServer.call_tool, count(1), KINDS[kind]

    async def wrapped(self: MCPServer[Any], *arguments: Any, **named: Any) -> Any:
        return await fault(calls, lambda: call_tool(self, *arguments, **named))

    MCPServer.call_tool = wrapped  # type: ignore[method-assign]


def main() -> None:
    """Run the program; START_SIGNAL starts the fault."""
    kind, *rest = sys.argv[1:]
    signal.signal(START_SIGNAL, lambda *_: wrap(kind))
    if rest[0] == "-m":
        sys.argv = rest[1:]
        runpy.run_module(rest[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = rest
        runpy.run_path(rest[0], run_name="__main__")


if __name__ == "__main__":
    main()
