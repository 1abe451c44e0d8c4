"""SIGTERM and SIGINT of a replica's process, from its first import to its end.

In: signals. Out: exit code 0 at once while the process starts; a call of the replica for the first signal of a process
that serves; exit code 128 + n at once for the second. Not here: the drain (http/server.py).
Process 1 of a container has no default action: the kernel discards a signal without a handler (pid_namespaces(7)).
The import of `meshed_mcp.agents` is the earliest place that every service passes, so process 1 installs the handler
there (early_signals.py); no other process is changed by an import, since its default action ends it.
"""

import json
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

EXIT_BASE: Final = 128
"""Exit code of a process ended by signal n is 128 + n. Source: POSIX shell, "Exit Status for Commands"."""

FIRST_PROCESS: Final = 1
"""Source: pid_namespaces(7), "The namespace init process"."""

STDERR: Final = 2


class StopSignals:
    """The handler of one process, the same function in all phases: uvicorn puts back the handler that it found."""

    def __init__(self) -> None:
        self._stop: Callable[[signal.Signals], None] | None = None
        self._is_stopping = False

    def install_in_first_process(self) -> None:
        """Handle SIGTERM where it would be discarded: in process 1, unless the program has a handler already."""
        if (
            os.getpid() == FIRST_PROCESS
            and threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        ):
            signal.signal(signal.SIGTERM, self._on_signal)

    def install(self) -> None:
        """Handle SIGTERM and SIGINT, in any process; call it in the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def stop_by(self, stop: Callable[[signal.Signals], None]) -> None:
        """Let the first signal from now on call `stop`, in the main thread between two bytecodes, and not exit.

        `stop` may use only what is safe in a signal handler, such as `loop.call_soon_threadsafe`.
        """
        self._stop = stop
        self.install()

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        received = signal.Signals(number)
        if self._stop is None:
            _say("INFO", f"{received.name} during the start: ending with code 0")
            os._exit(0)
        if self._is_stopping:
            _say("WARNING", f"{received.name} again: ending at once")
            os._exit(EXIT_BASE + number)
        self._is_stopping = True
        self._stop(received)


def _say(level: str, message: str) -> None:
    """Write a log line past `logging`, whose locks the interrupted code may hold."""
    line = {"level": level, "logger": __name__, "message": message}
    os.write(STDERR, json.dumps(line).encode() + b"\n")


STOP_SIGNALS: Final = StopSignals()
"""Of this process: signal handlers are the process's, so there is one."""
