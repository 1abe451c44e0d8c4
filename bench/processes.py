"""Servers as processes, each on a CPU core of its own, with their CPU time and memory.

Takes a script. Returns a running process that responds. The load is in load.py.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.load import Load
from meshed_mcp import contract

SERVERS: Final = Path(__file__).parent / "servers"
START_SECONDS: Final = 60.0
SERVER_CORE, CLIENT_CORE = min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))
KIB: Final = 1024


@dataclass(frozen=True)
class Server:
    """A running server."""

    process: subprocess.Popen[bytes]
    port: int
    management_port: int
    ready_seconds: float
    """Seconds from process start to the first successful call."""

    def cpu_seconds(self) -> float:
        """CPU time of all its threads so far. Source: Linux, `schedstat`, first field, nanoseconds."""
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def memory_bytes(self) -> int:
        """Resident memory. Source: Linux, `smaps_rollup`, Rss."""
        lines = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Rss:")) * KIB


def free_port() -> int:
    """A free port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def service_environment(port: int, management_port: int) -> dict[str, str]:
    """Environment of one process on loopback, as a Deployment would set it."""
    return {
        contract.ENV_BIND_ADDRESS: "127.0.0.1",
        contract.ENV_PORT: str(port),
        contract.ENV_MANAGEMENT_PORT: str(management_port),
        contract.ENV_LOG_LEVEL: "WARNING",
    }


@contextlib.contextmanager
def running(script: str, variables: Mapping[str, str] = {}) -> Iterator[Server]:
    """Start a server on its core, wait for its first response, end it by SIGTERM."""
    port, management_port = free_port(), free_port()
    environment = {**os.environ, **service_environment(port, management_port), **variables}
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, SERVERS / f"{script}.py", str(port)], env=environment)
    os.sched_setaffinity(process.pid, {SERVER_CORE})
    try:
        if script != "collector":
            wait_for_answer(process, port, started)
        yield Server(process, port, management_port, time.perf_counter() - started)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_answer(process: subprocess.Popen[bytes], port: int, started: float) -> None:
    """Return after the first successful call. Raises RuntimeError if the server exits or takes too long."""
    while True:
        with contextlib.suppress(ConnectionError):
            with Load(port, connections=1) as load:
                load.run(0)
            return
        if process.poll() is not None or time.perf_counter() - started > START_SECONDS:
            raise RuntimeError(f"the server on port {port} does not respond; exit code {process.poll()}")
        time.sleep(0.005)
