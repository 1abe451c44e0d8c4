"""A Prometheus of our own for as long as a block lasts: started on loopback, filled with made-up series, asked.

In: a folder, rules to evaluate. Out: `PagesPrometheus`. Not here: what is written (`series.py`), what is asked
(`questions.py`).
"""

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

from bench.dashboards.questions import PAGE_SECONDS, Question
from bench.dashboards.remote_write import HEADERS, Span, bodies
from bench.dashboards.series import Pace, Series
from meshed_mcp.cli.prometheus import Prometheus
from meshed_mcp.components.core.errors import ConfigIssue, ConfigurationError
from meshed_mcp.error_codes.cli import PROMETHEUS_NOT_FOUND, PROMETHEUS_NOT_STARTED

ENGINES: Final = Path(".engines") / "bin"
"""Where `make engines` puts programs."""

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 30.0


LONG_HEAD: Final = ("--storage.tsdb.min-block-duration=1d", "--storage.tsdb.max-block-duration=1d")
"""A head long enough for samples of some hours in any order of series."""

TWO_HOUR_BLOCKS: Final = ("--storage.tsdb.min-block-duration=2h", "--storage.tsdb.max-block-duration=1d")
"""As production has it. Source: Prometheus, "Storage"."""


class PagesPrometheus(Prometheus):
    """A Prometheus that is asked what pages ask, and that takes made-up series."""

    pid: int = 0
    """Its process, where it is our own."""

    def ask(self, question: Question, now: float) -> list[dict[str, Any]]:
        """Series of the answer; each has `metric` and `values`. Raises ConfigurationError where Prometheus refuses."""
        if question.step is None:
            found = self.result("query", {"query": question.expression, "time": now})
            return [{"metric": each["metric"], "values": [each["value"]]} for each in found]
        end = now - now % question.step
        times = {"start": end - PAGE_SECONDS, "end": end, "step": question.step}
        return self.result("query_range", {"query": question.expression, **times})

    def write(self, series: Iterable[Series], now: float, by_pace: dict[Pace, Span]) -> "Written":
        """Send series; how many, and how many samples."""
        written = Written(0, 0)
        for body, count, samples in bodies(series, now, by_pace):
            self.http.post("/api/v1/write", content=body, headers=HEADERS).raise_for_status()
            written = Written(written.series + count, written.samples + samples)
        return written

    def reload(self) -> None:
        """Read the configuration again."""
        self.http.post("/-/reload").raise_for_status()

    def ready(self) -> bool:
        """Whether it takes queries."""
        try:
            return self.http.get("/-/ready").is_success
        except httpx.TransportError:
            return False


class Written(NamedTuple):
    """What was written."""

    series: int
    samples: int


def program() -> Path:
    """The Prometheus of this machine. Raises ConfigurationError where there is none."""
    found = shutil.which("prometheus", path=os.pathsep.join([str(ENGINES), os.environ.get("PATH", "")]))
    if found is None:
        message = PROMETHEUS_NOT_FOUND.message()
        raise ConfigurationError([ConfigIssue("prometheus", "", message)])
    return Path(found).resolve()


@contextlib.contextmanager
def own_prometheus(folder: Path, blocks: tuple[str, str] = LONG_HEAD) -> Iterator[tuple[PagesPrometheus, Path]]:
    """A fresh Prometheus and its configuration file, which `reload` reads again; it scrapes nothing at first."""
    binary = program()
    config = folder / "prometheus.yaml"
    config.write_text(json.dumps({"global": {"evaluation_interval": "15s"}}), encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            command(binary, config, folder / "data", address, blocks), stdout=log, stderr=subprocess.STDOUT
        )
        try:
            with contextlib.closing(PagesPrometheus(f"http://{address}")) as engine:
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
    """How it is started."""
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


def wait_until_ready(engine: PagesPrometheus, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Return when it answers. Raises ConfigurationError with the end of its log when it does not."""
    end = time.monotonic() + START_SECONDS
    while not engine.ready():
        if process.poll() is not None or time.monotonic() > end:
            text = log.read_text(encoding="utf-8", errors="replace")[-500:]
            raise ConfigurationError([ConfigIssue("prometheus", "", PROMETHEUS_NOT_STARTED.message(text=text))])
        time.sleep(0.1)


def free_port() -> int:
    """A loopback port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
