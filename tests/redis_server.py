"""A real Redis on a loopback port of its own, which tests stop and start again; it keeps nothing on disk."""

import signal
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

START_SECONDS = 30


@dataclass
class RedisServer:
    """One server; `start` and `stop` may alternate, the port stays."""

    program: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    options: list[str] = field(default_factory=list)
    """Further options, over those of `start`."""

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start and wait until it accepts connections."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        options += self.options
        self.process = subprocess.Popen([self.program, *options], stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if b"Ready to accept connections" in line:
                return
        raise AssertionError(f"redis-server ended with {self.process.wait(START_SECONDS)}")

    def freeze(self) -> None:
        """Let it accept and answer nothing, as a machine that swaps or a network that drops."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self) -> None:
        """End the server at once; what it held is gone."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate(timeout=START_SECONDS)
            self.process = None


def redis_server(program: Path) -> RedisServer:
    """A server that is not started yet."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return RedisServer(program, listener.getsockname()[1])
