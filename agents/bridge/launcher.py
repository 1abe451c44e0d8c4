"""Stdio servers in another container: each TCP connection to the stdio launcher (image/stdio-launcher) is a process."""

import asyncio
import contextlib
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from meshed_mcp.agents.bridge.connector import Link
from meshed_mcp.agents.bridge.errors import UpstreamError
from meshed_mcp.agents.bridge.lines import message_streams
from meshed_mcp.agents.bridge.metrics import UNREACHABLE, BridgeMetrics
from meshed_mcp.agents.bridge.process import BUFFER_BYTES

CONNECT_SECONDS: Final = 5.0  # timeout for a connection on the pod's loopback
CLOSE_SECONDS: Final = 1.0
SIGNAL_BASE: Final = 128
"""The launcher reports a process ended by signal n as 128 + n. Source: POSIX shell, "Exit Status for Commands"."""


@dataclass
class Exit:
    """Exit code of the process behind one connection, once the launcher has reported it."""

    code: int | None = None

    @property
    def ending(self) -> str:
        """Why the connection ended."""
        if self.code is None:
            return "closed the connection; see the log of its container"
        if self.code > SIGNAL_BASE:
            with contextlib.suppress(ValueError):
                return f"was ended by {signal.Signals(self.code - SIGNAL_BASE).name}"
        return f"exited with code {self.code}"

    def reason(self, *, closed_by_bridge: bool) -> str:
        """Label of the exit."""
        if self.code is None:
            return "closed" if closed_by_bridge else "disconnected"
        return "signaled" if self.code > SIGNAL_BASE else "failed" if self.code else "exited"


class LauncherConnector:
    """Opens a TCP connection to the launcher for each process."""

    has_processes = True
    is_http = False
    needs_caller = False

    def __init__(self, address: str, metrics: BridgeMetrics) -> None:
        self.is_stopping = False
        self._host, _, port = address.rpartition(":")
        self._host, self._port, self._metrics = self._host.strip("[]"), int(port), metrics

    @asynccontextmanager
    async def connect(self, session: str) -> AsyncIterator[Link]:
        """Run one process inside the block. Raises UpstreamError."""
        reader, writer = await self._open()
        exit_ = Exit()
        link = Link(None, None, lambda: exit_.ending)

        async def write(line: bytes) -> None:
            writer.write(line)
            await writer.drain()

        async def ended() -> None:
            link.has_ended = True

        self._metrics.starts.inc()
        self._metrics.processes.inc()
        try:
            await write(json.dumps({"session": session}).encode() + b"\n")
            async with message_streams(
                reader, write, self._metrics.noise, on_end=ended, on_exit_code=lambda code: setattr(exit_, "code", code)
            ) as (link.read, link.write):
                yield link
        finally:
            self._metrics.processes.dec()
            self._metrics.exited(exit_.reason(closed_by_bridge=not link.has_ended))
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await writer.wait_closed()

    async def aclose(self) -> None:
        """Nothing is shared."""

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await asyncio.open_connection(self._host, self._port, limit=BUFFER_BYTES)
        except OSError as error:  # TimeoutError is one
            self._metrics.exited("not_started")
            reason = error.strerror or type(error).__name__
            text = f"The stdio launcher at {self._host}:{self._port} does not respond: {reason}."
            raise UpstreamError(UNREACHABLE, text) from None
