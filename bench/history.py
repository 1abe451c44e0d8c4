"""A real Prometheus with hours of samples, and scrape targets that continue where the history ends.

In: series, and how long ago they began. Out: samples by remote write; `/metrics` of many targets on one port. Not here:
which series there are (`bench/dashboards/series.py`), what is measured of it (`series_memory.py`).
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import numpy as np

from bench.dashboards.engine import PreviewPrometheus
from bench.dashboards.remote_write import HEADERS, Grid, Span, labels, stored, varint
from bench.dashboards.series import Series, Shape
from meshed_mcp.components.core.scraping import SERVER_SECONDS

SLICE_SECONDS: Final = 40
"""Seconds of samples per write, for all series: Prometheus keeps memory for the largest batch of a series, and a
scrape has one sample."""

SERIES_PER_REQUEST: Final = 5_000
SERIES_PER_TARGET: Final = 300
ARRIVALS: Final = 400_000
SEED: Final = 6


class Values:
    """Counters as in real traffic: integers at random moments. One stream of arrivals serves every series."""

    def __init__(self) -> None:
        self._moments = np.cumsum(np.random.default_rng(SEED).exponential(size=ARRIVALS))

    def at(self, series: list[Series], elapsed: Any) -> Any:
        """Value of each series at each moment (seconds since the start); very fast counters grow evenly."""
        sizes = np.array([[each.size] for each in series])
        counters = np.array([[each.shape is Shape.COUNTER] for each in series])
        due = sizes * elapsed[None, :]
        arrived = np.where(due < self._moments[-1], np.searchsorted(self._moments, due), np.floor(due))
        return np.where(counters, arrived, sizes)


def fill(prometheus: PreviewPrometheus, series: list[Series], values: Values, began: float, seconds: int) -> int:
    """Write the history, a sample each SERVER_SECONDS; the number of samples."""
    heads = [labels(each.labels) for each in series]
    for since in range(0, seconds, SLICE_SECONDS):
        elapsed = np.arange(since, min(since + SLICE_SECONDS, seconds), SERVER_SECONDS, dtype=float)
        grid = Grid(began + since, Span(0, SERVER_SECONDS * len(elapsed), SERVER_SECONDS))
        for start in range(0, len(series), SERIES_PER_REQUEST):
            some = slice(start, start + SERIES_PER_REQUEST)
            body = request(heads[some], grid, values.at(series[some], elapsed))
            prometheus.http.post("/api/v1/write", content=body, headers=HEADERS).raise_for_status()
    return len(series) * len(range(0, seconds, SERVER_SECONDS))


def request(heads: list[bytes], grid: Grid, values: Any) -> bytes:
    """Body of one request: samples of some series, each with its encoded labels."""
    filled = np.tile(grid.template, (len(heads), 1))
    filled["value"] = values
    samples, length = filled.tobytes(), grid.template.nbytes
    contents = [head + samples[number * length : (number + 1) * length] for number, head in enumerate(heads)]
    return stored(b"".join(b"\x0a" + varint(len(content)) + content for content in contents))


class Pods:
    """`/metrics` of as many targets as the series need. Texts are rebuilt each interval, for all targets at once."""

    def __init__(self, series: list[Series], values: Values, began: float) -> None:
        self._heads = [exposed(each.labels) for each in series]
        self._series, self._values, self._began = series, values, began
        self._ended = threading.Event()
        self.texts: list[bytes] = []
        self._render()

    def keep_on(self) -> None:
        """New values each interval, until `end`."""
        while not self._ended.wait(SERVER_SECONDS):
            self._render()

    def end(self) -> None:
        """Stop updating values."""
        self._ended.set()

    def _render(self) -> None:
        shown = self._values.at(self._series, np.array([time.time() - self._began]))[:, 0].tolist()
        lines = [f"{head} {value:.10g}\n" for head, value in zip(self._heads, shown, strict=True)]
        starts = range(0, len(lines), SERIES_PER_TARGET)
        self.texts = ["".join(lines[start : start + SERIES_PER_TARGET]).encode() for start in starts]


def exposed(pairs: dict[str, str]) -> str:
    """Name and labels in the Prometheus text format."""
    inner = ",".join(f'{name}="{value}"' for name, value in pairs.items() if name != "__name__")
    return f"{pairs['__name__']}{{{inner}}}"


@contextmanager
def exporter(pods: Pods) -> Iterator[str]:
    """Serve the targets as `/0`, `/1` and so on; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            text = pods.texts[int(self.path.removeprefix("/"))]
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    for work in (server.serve_forever, pods.keep_on):
        threading.Thread(target=work, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        pods.end()
        server.shutdown()
