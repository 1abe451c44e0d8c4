"""Services as real processes on loopback ports of their own, stopped by process id at the end of each test."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from meshed_mcp import contract

HERE = Path(__file__).parent
POLL_SECONDS = 0.02


@pytest.fixture
def anyio_backend() -> str:
    """The runtime is asyncio's: uvicorn knows no other."""
    return "asyncio"


@dataclass
class Service:
    """One running process, what it said and where to reach it."""

    process: subprocess.Popen[bytes]
    port: int
    management_port: int
    log: Path

    @property
    def url(self) -> str:
        """The MCP endpoint."""
        return f"http://127.0.0.1:{self.port}{contract.MCP_PATH}"

    def management(self, path: str) -> httpx.Response:
        """Ask the management port."""
        return httpx.get(f"http://127.0.0.1:{self.management_port}{path}", trust_env=False)

    def ready(self) -> bool:
        """Whether the readiness probe would pass."""
        try:
            return self.management(contract.READINESS_PATH).status_code == 200
        except httpx.TransportError:
            return False

    def sample(self, series: str) -> float | None:
        """Value of one series, written as in the exposition format; None when it is not there."""
        lines = self.management(contract.METRICS_PATH).text.splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{series} ")), None)

    def lines(self) -> list[dict[str, Any]]:
        """The log so far."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def said(self, text: str) -> bool:
        """Whether a log message holds `text`."""
        return any(text in line["message"] for line in self.lines())

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    async def exit_code(self, *, within_seconds: float) -> int:
        """Wait for the end of the process; fail after `within_seconds`."""
        await eventually(lambda: self.process.poll() is not None, within_seconds=within_seconds)
        return self.process.returncode


async def eventually(condition: Callable[[], bool], *, within_seconds: float = 15) -> None:
    """Wait until `condition` holds; fail when it does not in time."""
    with anyio.fail_after(within_seconds):
        while not await anyio.to_thread.run_sync(condition):  # noqa: ASYNC110 - the condition is another process's
            await anyio.sleep(POLL_SECONDS)


def free_port() -> int:
    """A port nothing listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


StartService = Callable[..., Service]


@pytest.fixture
def start_service(tmp_path: Path) -> Iterator[StartService]:
    """Start `script` with the given variables and wait until it is ready (or has ended, with `ready=False`)."""
    with ExitStack() as stack:

        def start(script: Path = HERE / "waiting_service.py", *, ready: bool = True, **variables: str) -> Service:
            ports = free_port(), free_port()
            log = tmp_path / f"{ports[0]}.log"
            environment = {
                **{name: value for name, value in os.environ.items() if not name.startswith("MESHED_MCP_")},
                contract.ENV_BIND_ADDRESS: "127.0.0.1",
                contract.ENV_PORT: str(ports[0]),
                contract.ENV_MANAGEMENT_PORT: str(ports[1]),
                contract.ENV_DATA_DIR: str(tmp_path),
                **variables,
            }
            process = subprocess.Popen(
                [sys.executable, script], env=environment, stderr=stack.enter_context(log.open("wb"))
            )
            stack.callback(_end, process)
            service = Service(process, *ports, log)
            deadline = time.monotonic() + 30
            while ready and not service.ready():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, f"not ready: {log.read_text()}"
                time.sleep(POLL_SECONDS)
            return service

        yield start


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()
