"""Starts a local Prometheus and its client, which writes synthetic series and sends the queries of dashboards."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx

from bench.dashboards.remote_write import HEADERS, Span, bodies
from bench.dashboards.requests import RANGE_SECONDS, Request
from bench.dashboards.series import Pace, Series
from meshed_mcp.cli.prometheus import Prometheus

ENGINES: Final = Path(".engines") / "bin"
"""Folder of the programs that `make engines` builds."""

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 30.0

LONG_HEAD: Final = ("--storage.tsdb.min-block-duration=1d", "--storage.tsdb.max-block-duration=1d")
"""A head that accepts samples of some hours in any order of series."""

TWO_HOUR_BLOCKS: Final = ("--storage.tsdb.min-block-duration=2h", "--storage.tsdb.max-block-duration=1d")
"""Block durations of production. Source: Prometheus, "Storage"."""


class PreviewPrometheus(Prometheus):
    """Client of a Prometheus with remote write and lifecycle API."""

    pid: int = 0
    """Process ID of a local Prometheus."""

    def send(self, request: Request, now: float) -> list[dict[str, Any]]:
        """Series of the response, each with `metric` and `values`. Raises ConfigurationError if the query fails."""
        if request.step is None:
            found = self.result("query", {"query": request.expression, "time": now})
            return [{"metric": each["metric"], "values": [each["value"]]} for each in found]
        end = now - now % request.step
        times = {"start": end - RANGE_SECONDS, "end": end, "step": request.step}
        return self.result("query_range", {"query": request.expression, **times})

    def write(self, series: Iterable[Series], now: float, by_pace: dict[Pace, Span]) -> "Written":
        """Send series; returns the number of series and samples."""
        written = Written(0, 0)
        for body, count, samples in bodies(series, now, by_pace):
            self.http.post("/api/v1/write", content=body, headers=HEADERS).raise_for_status()
            written = Written(written.series + count, written.samples + samples)
        return written

    def reload(self) -> None:
        """Reload the configuration."""
        self.http.post("/-/reload").raise_for_status()

    def ready(self) -> bool:
        """Whether Prometheus is ready."""
        try:
            return self.http.get("/-/ready").is_success
        except httpx.TransportError:
            return False


class Written(NamedTuple):
    """Numbers of written series and samples."""

    series: int
    samples: int


def program() -> Path:
    """Path of the program `prometheus`. Raises SystemExit if it is not installed."""
    found = shutil.which("prometheus", path=os.pathsep.join([str(ENGINES), os.environ.get("PATH", "")]))
    if found is None:
        raise SystemExit("prometheus is not on the PATH; run make engines, or set --prometheus URL")
    return Path(found).resolve()


@contextlib.contextmanager
def local_prometheus(folder: Path, blocks: tuple[str, str] = LONG_HEAD) -> Iterator[tuple[PreviewPrometheus, Path]]:
    """An empty Prometheus on loopback and its configuration file; stops it at exit."""
    binary = program()
    config = folder / "prometheus.yaml"
    config.write_text(json.dumps({"global": {"evaluation_interval": "15s"}}), encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            command(binary, config, folder / "data", address, blocks), stdout=log, stderr=subprocess.STDOUT
        )
        try:
            with contextlib.closing(PreviewPrometheus(f"http://{address}")) as engine:
                engine.pid = process.pid
                wait_until_ready(engine, process, folder / "prometheus.log")
                yield engine, config
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def command(binary: Path, config: Path, data: Path, address: str, blocks: tuple[str, str]) -> list[str]:
    """Command line of Prometheus."""
    return [
        str(binary),
        f"--config.file={config}",
        f"--storage.tsdb.path={data}",
        f"--web.listen-address={address}",
        "--web.enable-remote-write-receiver",
        "--web.enable-lifecycle",
        *blocks,
        "--storage.tsdb.retention.time=2d",
        "--enable-feature=exemplar-storage",
        "--log.level=warn",
    ]


def wait_until_ready(engine: PreviewPrometheus, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until Prometheus is ready. Raises SystemExit with the end of its log after START_SECONDS."""
    end = time.monotonic() + START_SECONDS
    while not engine.ready():
        if process.poll() is not None or time.monotonic() > end:
            text = log.read_text(encoding="utf-8", errors="replace")[-500:]
            raise SystemExit(f"prometheus does not start; its log ends with: {text}")
        time.sleep(0.1)


def free_port() -> int:
    """A free loopback port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
