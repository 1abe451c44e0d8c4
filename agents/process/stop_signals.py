"""Handler of SIGTERM and SIGINT for a replica's process, from its first import to its exit.

While the process starts, a signal ends it at once with code 0. When it serves, the first signal starts the graceful
shutdown (http/server.py), the second ends the process at once with code 128 + n. Process 1 of a container has no
default action: the kernel discards a signal without a handler (pid_namespaces(7)). `meshed_mcp.agents` therefore
installs the handler in process 1 when it is imported; other processes keep their default action until they serve.
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

FIRST_PROCESS: Final = 1  # Source: pid_namespaces(7), "The namespace init process"
STDERR: Final = 2


class StopSignals:
    """Signal handler of the process, the same function in all phases: uvicorn restores the handler that it found."""

    def __init__(self) -> None:
        self._stop: Callable[[signal.Signals], None] | None = None
        self._is_stopping = False

    def install_in_first_process(self) -> None:
        """Handle SIGTERM in process 1 unless the program has a handler already."""
        if (
            os.getpid() == FIRST_PROCESS
            and threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        ):
            signal.signal(signal.SIGTERM, self._on_signal)

    def install(self) -> None:
        """Handle SIGTERM and SIGINT in any process; call it in the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def set_stop(self, stop: Callable[[signal.Signals], None]) -> None:
        """Call `stop` for the first signal from now on instead of exiting.

        `stop` runs in the main thread between two bytecodes and may use only what is safe in a signal handler, such as
        `loop.call_soon_threadsafe`.
        """
        self._stop = stop
        self.install()

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        received = signal.Signals(number)
        if self._stop is None:
            _log("INFO", f"{received.name} during the start: ending with code 0")
            os._exit(0)
        if self._is_stopping:
            _log("WARNING", f"{received.name} again: ending at once")
            os._exit(EXIT_BASE + number)
        self._is_stopping = True
        self._stop(received)


def _log(level: str, message: str) -> None:
    """Write a log line without `logging`, whose locks the interrupted code may hold."""
    line = {"level": level, "logger": __name__, "message": message}
    os.write(STDERR, json.dumps(line).encode() + b"\n")


STOP_SIGNALS: Final = StopSignals()  # the only instance: signal handlers belong to the process
