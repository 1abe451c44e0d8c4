"""Runs a service with fault injection in its tools.

Usage: `python -m meshed_mcp.local.faulty_service KIND (-m MODULE | FILE) ARGUMENT...`.

For the local run alone. The SDK's own method is wrapped, so that metrics, limits and spans see the fault as they would
see one of the tool's.
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
"""More than the default objective of 2 s."""

EVERY: Final = 2
"""One call of so many fails."""

BEGIN: Final = signal.SIGUSR2
"""Tells the process that the fault begins; until then it works."""

Wrapped = Callable[[], Awaitable[Any]]


async def failing(calls: Iterator[int], call_tool: Wrapped) -> Any:
    """One call in EVERY fails."""
    if next(calls) % EVERY == 0:
        raise RuntimeError("a fault on purpose (meshed-mcp local --fault)")
    return await call_tool()


async def late(_: Iterator[int], call_tool: Wrapped) -> Any:
    """Every call takes longer."""
    await asyncio.sleep(SLOW_SECONDS)
    return await call_tool()


KINDS: Final = {"errors": failing, "slow": late}


def wrap(kind: str) -> None:
    """Put the fault around the SDK's calls of tools."""
    call_tool, calls, fault = MCPServer.call_tool, count(1), KINDS[kind]

    async def wrapped(self: MCPServer[Any], *arguments: Any, **named: Any) -> Any:
        return await fault(calls, lambda: call_tool(self, *arguments, **named))

    MCPServer.call_tool = wrapped  # type: ignore[method-assign]


def main() -> None:
    """Become the program; the fault is put in when the signal comes."""
    kind, *rest = sys.argv[1:]
    signal.signal(BEGIN, lambda *_: wrap(kind))
    if rest[0] == "-m":
        sys.argv = rest[1:]
        runpy.run_module(rest[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = rest
        runpy.run_path(rest[0], run_name="__main__")


if __name__ == "__main__":
    main()
