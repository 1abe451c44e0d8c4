"""Processes that end when the local run ends, whichever way it ends.

Programs in, running processes out. Each is the leader of its own group, so Ctrl-C reaches only the local run, which
then stops all of them: SIGTERM, a bounded wait, SIGKILL. When the local run itself is killed, see launch.py.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from meshed_mcp.error_codes.code import Message
from meshed_mcp.error_codes.local import PROCESS_ENDED, PROCESS_NOT_READY
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.process import launch

POLL_SECONDS: Final = 0.1
"""Pause between two questions whether something is ready."""

LAST_LINE_LENGTH: Final = 300
"""Characters of a log line that a message quotes."""


@dataclass(frozen=True)
class Program:
    """What to start: the whole environment is `env`, output goes to `log`."""

    name: str
    command: tuple[str, ...]
    env: dict[str, str]
    log: Path


class Processes:
    """A group of processes that stop together, within `stop_seconds` after being asked."""

    def __init__(self, stop_seconds: float) -> None:
        self._stop_seconds = stop_seconds
        self._running: dict[str, tuple[Program, subprocess.Popen[bytes]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by program name."""
        return {name: process.pid for name, (_, process) in self._running.items()}

    def start(self, program: Program) -> None:
        """Start one program. It dies with the thread that calls this, so call it from one that lasts."""
        program.log.parent.mkdir(parents=True, exist_ok=True)
        launcher = [sys.executable, "-I", "-S", str(launch.__file__), str(os.getpid())]
        program.log.write_bytes(b"")
        with program.log.open("ab") as log:  # an Envoy opens its own output once more, and both write to the end
            process = subprocess.Popen(  # noqa: S603 - the command is the stack's own
                [*launcher, *program.command],
                env=program.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running[program.name] = (program, process)

    def ended(self) -> list[Message]:
        """A line about each program that ended without being asked, with the last line of its log."""
        return [
            PROCESS_ENDED.message(
                name=program.name, code=process.returncode, last=last_line(program.log), log=program.log
            )
            for program, process in self._running.values()
            if process.poll() is not None
        ]

    def wait_until(self, ready: Callable[[str], bool], seconds: float, told: Callable[[str], None]) -> None:
        """Wait until every program is `ready`, and tell each. Raises LocalRunError after `seconds`, or at an end."""
        waiting = list(self._running)
        deadline = time.monotonic() + seconds
        while waiting:
            for name in [each for each in waiting if ready(each)]:
                waiting.remove(name)
                told(name)
            if self.ended():
                raise LocalRunError(*self.ended())
            if waiting and time.monotonic() > deadline:
                raise LocalRunError(*(self._late(name, seconds) for name in waiting))
            if waiting:
                time.sleep(POLL_SECONDS)

    def ask_to_end(self, name: str) -> None:
        """SIGTERM to one program; it is not waited for."""
        _signal_group(self._running[name][1], signal.SIGTERM)

    def await_end(self, name: str, seconds: float) -> int:
        """Wait for a program that was asked to end, after `seconds` insist. Its exit code, negative for a signal."""
        with suppress(subprocess.TimeoutExpired):
            self._running[name][1].wait(seconds)
        return self.kill(name)

    def kill(self, name: str) -> int:
        """SIGKILL to one program, with its children. Its exit code, negative for a signal."""
        process = self._running.pop(name)[1]
        _signal_group(process, signal.SIGKILL)
        return process.wait()

    def stop(self) -> None:
        """Stop everything: nothing is left when this returns."""
        processes = [process for _, process in self._running.values()]
        self._running = {}
        try:
            for process in processes:
                _signal_group(process, signal.SIGTERM)
            deadline = time.monotonic() + self._stop_seconds
            for process in processes:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.0, deadline - time.monotonic()))
        finally:  # also after a second Ctrl-C
            for process in processes:
                _signal_group(process, signal.SIGKILL)
                process.wait()

    def _late(self, name: str, seconds: float) -> Message:
        log = self._running[name][0].log
        return PROCESS_NOT_READY.message(name=name, seconds=seconds, last=last_line(log), log=log)


def last_line(log: Path) -> str:
    """Last line with text of a log, shortened; says so when there is none."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:LAST_LINE_LENGTH] if lines else "it wrote nothing"


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # the group is empty
        os.killpg(process.pid, number)
