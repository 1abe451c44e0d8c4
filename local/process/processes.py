"""Child processes of a run, in their own groups: Ctrl-C reaches only the run, and `launch.py` ends them with it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from meshed_mcp.error_codes.code import Message
from meshed_mcp.error_codes.local import PROCESS_ENDED, PROCESS_NOT_READY
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.process import launch

POLL_SECONDS: Final = 0.1
"""Interval of readiness checks."""

LAST_LINE_LENGTH: Final = 300
"""Characters of a log line in a message."""


@dataclass(frozen=True)
class Program:
    """A command with its whole environment and its log file."""

    name: str
    command: tuple[str, ...]
    env: dict[str, str]
    log: Path


class Processes(AbstractContextManager["Processes"]):
    """Processes that stop together; SIGKILL follows `stop_seconds` after SIGTERM."""

    def __init__(self, stop_seconds: float) -> None:
        self._stop_seconds = stop_seconds
        self._running: dict[str, tuple[Program, subprocess.Popen[bytes]]] = {}

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by program name."""
        return {name: process.pid for name, (_, process) in self._running.items()}

    def start(self, program: Program) -> None:
        """Start a program. It ends with the calling thread."""
        program.log.parent.mkdir(parents=True, exist_ok=True)
        launcher = [sys.executable, "-I", "-S", str(launch.__file__), str(os.getpid())]
        program.log.write_bytes(b"")
        with program.log.open("ab") as log:  # Envoy opens its output again, and both append
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
        """One line per program that ended by itself, with the last line of its log."""
        ended = [(each, process) for each, process in self._running.values() if process.poll() is not None]
        return [
            PROCESS_ENDED.message(name=each.name, code=process.returncode, last=last_line(each.log), log=each.log)
            for each, process in ended
        ]

    def wait_until(self, ready: Callable[[str], bool], seconds: float, report: Callable[[str], None]) -> None:
        """Wait until every program is ready, and report each. Raises LocalRunError after `seconds` or if one ends."""
        waiting = list(self._running)
        deadline = time.monotonic() + seconds
        while waiting:
            for name in [each for each in waiting if ready(each)]:
                waiting.remove(name)
                report(name)
            if self.ended():
                raise LocalRunError(*self.ended())
            if waiting and time.monotonic() > deadline:
                raise LocalRunError(*(self._late(name, seconds) for name in waiting))
            if waiting:
                time.sleep(POLL_SECONDS)

    def terminate(self, name: str) -> None:
        """Send SIGTERM to a program."""
        _signal_group(self._running[name][1], signal.SIGTERM)

    def wait_ended(self, name: str, seconds: float) -> int:
        """Wait for a terminating program, then kill it. Returns the exit code, negative for a signal."""
        with suppress(subprocess.TimeoutExpired):
            self._running[name][1].wait(seconds)
        return self.kill(name)

    def kill(self, name: str) -> int:
        """Send SIGKILL to a program and its children. Returns the exit code, negative for a signal."""
        process = self._running.pop(name)[1]
        _signal_group(process, signal.SIGKILL)
        return process.wait()

    def stop(self) -> None:
        """Stop all processes and wait for their end."""
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
    """Last line of a log that is not empty, shortened."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:LAST_LINE_LENGTH] if lines else "it wrote nothing"


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # the group is empty
        os.killpg(process.pid, number)
