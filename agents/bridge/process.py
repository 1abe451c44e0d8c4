"""Stdio servers as child processes: one per connection, in a process group of its own that ends as a whole."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from meshed_mcp.agents.bridge.connector import Link
from meshed_mcp.agents.bridge.errors import UpstreamError
from meshed_mcp.agents.bridge.lines import WriteLine, message_streams
from meshed_mcp.agents.bridge.metrics import UNREACHABLE, BridgeMetrics
from meshed_mcp.agents.bridge.stderr_log import StderrLog

INHERITED: Final = ("PATH", "HOME", "TMPDIR")
"""Variables that every process inherits; ENV_UPSTREAM_ENVIRONMENT names the others."""

STDIN_SECONDS: Final = 0.5
"""Time for a process to exit after its standard input is closed. Source: MCP, "Lifecycle", "Shutdown", stdio."""

TERM_SECONDS: Final = 2.0
"""Time after SIGTERM before SIGKILL. Source: the SDK's stdio client, `FORCE_KILL_TIMEOUT`."""

STOP_TERM_SECONDS: Final = 0.5
"""The same while the replica stops, which has two seconds after its last call (contract.CLOSING_SECONDS)."""

EXIT_SECONDS: Final = 1.0  # wait for the exit code after the end of standard output
POLL_SECONDS: Final = 0.02  # period of the checks whether a process group has ended: the kernel has no event for it
BUFFER_BYTES: Final = 256 * 1024  # read-ahead of one process's standard output


@dataclass(eq=False)
class Child:
    """A running process with its pipes."""

    process: asyncio.subprocess.Process
    stdin: asyncio.StreamWriter
    stdout: asyncio.StreamReader
    stderr: asyncio.StreamReader
    ended_by_bridge: str = ""
    """`closed` or `killed` once the bridge ends the process."""

    async def has_exited(self, within_seconds: float) -> bool:
        """Wait for the exit of the process itself."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_seconds):
                await self.process.wait()
        return self.process.returncode is not None

    def signal_group(self, number: int) -> bool:
        """Send a signal to the process group; False if no process is left in it. Signal 0 only checks."""
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            return False
        except PermissionError:  # macOS reports zombies so
            return False
        return True

    async def has_group_ended(self, within_seconds: float) -> bool:
        """Wait until the group has no process."""
        ends = asyncio.get_running_loop().time() + within_seconds
        while self._reap_orphans() and self.signal_group(0):
            if asyncio.get_running_loop().time() >= ends:
                return False
            await asyncio.sleep(POLL_SECONDS)
        return True

    def _reap_orphans(self) -> bool:
        """Collect descendants that the kernel has handed to this process, which it does to process 1 of a container."""
        if self.process.returncode is not None:  # asyncio collects the process itself
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-self.process.pid, os.WNOHANG) != (0, 0):
                    pass
        return True

    @property
    def ending(self) -> str:
        """Why the process ended."""
        code = self.process.returncode
        if code is None:
            return "closed its standard output"
        if code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        return f"exited with code {code}"

    @property
    def exit_reason(self) -> str:
        """Label of the exit."""
        code = self.process.returncode
        if self.ended_by_bridge or code is None:
            return self.ended_by_bridge or "closed"
        if code < 0:
            return "signaled"
        return "failed" if code else "exited"


class ProcessConnector:
    """Starts a process for each connection."""

    has_processes = True
    is_http = False
    needs_caller = False

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], metrics: BridgeMetrics) -> None:
        self._command, self._environment, self._metrics = list(command), dict(environment), metrics
        self._log = StderrLog(metrics)
        self.is_stopping = False

    @asynccontextmanager
    async def connect(self, session: str) -> AsyncIterator[Link]:
        """Run one process inside the block; leaves no process of its group. Raises UpstreamError."""
        async with AsyncExitStack() as pipes:
            child = await self._start(pipes)
            self._metrics.starts.inc()
            self._metrics.processes.inc()
            # No supervisor: it ends with the pipe, at the latest when the stack closes it.
            log = asyncio.create_task(self._log.follow(child.stderr, session, child.process.pid), name="stderr")
            pipes.callback(log.cancel)
            link = Link(None, None, lambda: child.ending)

            async def ended() -> None:
                link.has_ended = True
                await child.has_exited(EXIT_SECONDS)

            try:
                async with message_streams(child.stdout, self._writer(child), self._metrics.noise, on_end=ended) as (
                    link.read,
                    link.write,
                ):
                    yield link
            finally:
                await asyncio.shield(self._stop(child))
                self._metrics.processes.dec()
                self._metrics.exited(child.exit_reason)

    async def aclose(self) -> None:
        """Nothing is shared."""

    @staticmethod
    def _writer(child: Child) -> WriteLine:
        async def write(line: bytes) -> None:
            child.stdin.write(line)
            await child.stdin.drain()

        return write

    async def _start(self, pipes: AsyncExitStack) -> Child:
        """Start the process with pipes of our own.

        asyncio's pipes would delay `wait()` until every descendant has closed them, and cannot be closed by public API.
        """
        loop = asyncio.get_running_loop()
        ends = [os.pipe() for _ in range(3)]
        (child_in, our_in), (our_out, child_out), (our_err, child_err) = ends
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=child_in,
                stdout=child_out,
                stderr=child_err,
                env=self._environment,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            for end in (our_in, our_out, our_err):
                os.close(end)
            self._metrics.exited("not_started")
            reason = getattr(error, "strerror", None) or str(error)
            raise UpstreamError(UNREACHABLE, f"The upstream {self._command[0]} cannot be started: {reason}.") from None
        finally:
            for end in (child_in, child_out, child_err):
                os.close(end)
        writing = asyncio.StreamReaderProtocol(asyncio.StreamReader())
        transport, _ = await loop.connect_write_pipe(lambda: writing, os.fdopen(our_in, "wb", 0))
        pipes.callback(transport.close)
        stdin = asyncio.StreamWriter(transport, writing, None, loop)
        return Child(process, stdin, await _reader(our_out, pipes), await _reader(our_err, pipes))

    async def _stop(self, child: Child) -> None:
        """Close standard input, then SIGTERM, then SIGKILL to the whole group, also if its leader has exited."""
        if child.process.returncode is None:
            child.ended_by_bridge = "closed"
        child.stdin.close()
        term_seconds = STOP_TERM_SECONDS if self.is_stopping else TERM_SECONDS
        if not await child.has_exited(0 if self.is_stopping else STDIN_SECONDS):
            child.signal_group(signal.SIGTERM)
            await child.has_exited(term_seconds)
        elif child.signal_group(signal.SIGTERM):  # descendants that the process has left
            await child.has_group_ended(term_seconds)
        if child.signal_group(signal.SIGKILL):
            if child.process.returncode is None:
                child.ended_by_bridge = "killed"
            await child.has_exited(term_seconds)
            await child.has_group_ended(term_seconds)


async def _reader(end: int, pipes: AsyncExitStack) -> asyncio.StreamReader:
    """Return a reader of the pipe, which closes with the stack."""
    reader = asyncio.StreamReader(limit=BUFFER_BYTES)
    protocol = asyncio.StreamReaderProtocol(reader)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(end, "rb", 0))
    pipes.callback(transport.close)
    return reader


def child_environment(allowed: Sequence[str], environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a process: INHERITED and the allowed ones that are set."""
    return {name: environment[name] for name in (*INHERITED, *allowed) if name in environment}
