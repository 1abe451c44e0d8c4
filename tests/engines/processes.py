"""Engine processes on loopback with a log file, stopped by their process id."""

import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

STOP_SECONDS: Final = 20
LOG_TAIL_CHARACTERS: Final = 3000


def free_port() -> int:
    """A free loopback port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Engine:
    """A running engine and its log."""

    def __init__(self, command: list[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.name, self.log = Path(command[0]).name, log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **(environment or {})},
            )

    def check(self) -> None:
        """Raise RuntimeError with the end of the log if the engine has ended."""
        if self.process.poll() is not None:
            tail = self.log.read_text(errors="replace")[-LOG_TAIL_CHARACTERS:]
            raise RuntimeError(f"{self.name} ended with {self.process.returncode}:\n{tail}")

    def runs(self) -> bool:
        """Whether the engine runs; raises as `check` does, which ends a wait."""
        self.check()
        return True

    def stop(self) -> None:
        """Terminate the engine, then kill it after a while."""
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextlib.contextmanager
def running(command: list[str], log: Path, environment: Mapping[str, str] | None = None) -> Iterator[Engine]:
    """Run the engine during the block with additional environment variables."""
    engine = Engine(command, log, environment)
    try:
        yield engine
    finally:
        engine.stop()
