"""A service as a real process on its own loopback ports: its log, its metrics, and waiting for conditions."""

import json
import signal
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx

from meshed_mcp import contract

POLL_SECONDS = 0.02


@dataclass
class Service:
    """One running process, its log and its ports."""

    process: subprocess.Popen[bytes]
    port: int
    management_port: int
    log: Path

    @property
    def url(self) -> str:
        """URL of the MCP endpoint."""
        return f"http://127.0.0.1:{self.port}{contract.MCP_PATH}"

    def management(self, path: str) -> httpx.Response:
        """Send a request to the management port."""
        return httpx.get(f"http://127.0.0.1:{self.management_port}{path}", trust_env=False)

    def ready(self) -> bool:
        """Whether the readiness probe would pass."""
        try:
            return self.management(contract.READINESS_PATH).status_code == 200
        except httpx.TransportError:
            return False

    def sample(self, series: str) -> float | None:
        """Return the value of one series in the exposition format; None if it is missing."""
        lines = self.management(contract.METRICS_PATH).text.splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{series} ")), None)

    def lines(self) -> list[dict[str, Any]]:
        """Return the log so far."""
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
    """Return a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


StartService = Callable[..., Service]
