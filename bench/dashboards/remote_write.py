"""Encodes synthetic series as bodies of Prometheus remote write, for millions of samples.

Snappy stores literals, because compression costs more than it saves on loopback. Source: Prometheus, "Remote-Write
1.0"; Snappy, "format description".
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from bench.dashboards.series import Pace, Series, Shape
from meshed_mcp.components.core import scraping
from meshed_mcp.components.observability.dashboards import shared
from meshed_mcp.components.promql.load import LOAD_SECONDS

HEADERS: Final = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
BODY_BYTES: Final = 8_000_000
SWING: Final = 0.3
PERIOD_SECONDS: Final = 2400.0
VARINT_BYTES: Final = 6
"""Length of a timestamp in milliseconds from 1971 to 2109."""

SAMPLE: Final = np.dtype(
    [("field", "u1"), ("length", "u1"), ("value_key", "u1"), ("value", "<f8"), ("time_key", "u1"), ("time", "V6")]
)
"""`TimeSeries.samples`: a `Sample` with `value` and `timestamp`, of one length. Source: prompb/types.proto."""


class Span(NamedTuple):
    """Seconds before and after now, and between samples."""

    before: float
    after: float
    step: float


class Grid:
    """Timestamps of one span, with everything but the values encoded."""

    def __init__(self, now: float, span: Span) -> None:
        times = np.arange(now - span.before, now + span.after, span.step)
        self.template: Any = np.zeros(len(times), SAMPLE)
        self.template["field"], self.template["length"] = 0x12, SAMPLE.itemsize - 2
        self.template["value_key"], self.template["time_key"] = 0x09, 0x10
        encoded = b"".join(varint(int(time * 1000)) for time in times)
        self.template["time"] = np.frombuffer(encoded, "V6")
        self._since = times - (now - span.before)
        self._times = times
        self._shapes: dict[tuple[Shape, int], Any] = {}

    def values(self, shape: Shape, phase: int) -> Any:
        """Values of a series of size 1."""
        if (shape, phase) not in self._shapes:
            self._shapes[shape, phase] = self._made(shape, phase)
        return self._shapes[shape, phase]

    def _made(self, shape: Shape, phase: int) -> Any:
        angle = 2 * np.pi * (self._times / PERIOD_SECONDS + phase / 8)
        match shape:
            case Shape.COUNTER:
                swing = SWING * PERIOD_SECONDS / (2 * np.pi) * (1 - np.cos(angle))
                return self._since + 86_400 + swing
            case Shape.GAUGE:
                return 1 + SWING * np.sin(angle)
            case Shape.FALLING:
                return 1 - self._since / max(self._since[-1], 1) / 3
            case Shape.FLAT:
                return np.ones(len(self._times))

    def encoded(self, series: Series) -> bytes:
        """All samples of one series."""
        filled = self.template.copy()
        filled["value"] = self.values(series.shape, series.phase) * series.size
        return bytes(filled.tobytes())


def spans(range_seconds: float, rules_seconds: float, after: float) -> dict[Pace, Span]:
    """Span of each pace: `range_seconds` back for dashboards, `rules_seconds` for series that only rules read."""
    server, proxy, cluster = (shared.SERVER_SCRAPE_SECONDS, scraping.PROXY_SECONDS, shared.CLUSTER_SCRAPE_SECONDS)
    return {
        Pace.FAST: Span(rules_seconds, after, server),
        Pace.FAST_LONG: Span(range_seconds, after, server),
        Pace.RECORDED: Span(range_seconds, 0, shared.RECORDED_SECONDS),
        Pace.RECORDED_FAST: Span(range_seconds, 0, LOAD_SECONDS),
        Pace.PROXY: Span(rules_seconds, after, proxy),
        Pace.SLOW: Span(range_seconds, after, cluster),
        Pace.NEW: Span(range_seconds / 3, 0, shared.RECORDED_SECONDS),
    }


def bodies(series: Iterable[Series], now: float, by_pace: dict[Pace, Span]) -> Iterator[tuple[bytes, int, int]]:
    """Request bodies, with the numbers of series and samples in each."""
    grids = {pace: Grid(now, span) for pace, span in by_pace.items()}
    parts: list[bytes] = []
    size = samples = 0
    for each in series:
        content = labels(each.labels) + grids[each.pace].encoded(each)
        part = b"\x0a" + varint(len(content)) + content
        parts.append(part)
        size, samples = size + len(part), samples + len(grids[each.pace].template)
        if size > BODY_BYTES:
            yield stored(b"".join(parts)), len(parts), samples
            parts, size, samples = [], 0, 0
    if parts:
        yield stored(b"".join(parts)), len(parts), samples


def labels(pairs: dict[str, str]) -> bytes:
    """`TimeSeries.labels`, sorted as the protocol asks."""
    return b"".join(
        field(0x0A, field(0x0A, name.encode()) + field(0x12, pairs[name].encode())) for name in sorted(pairs)
    )


def field(key: int, content: bytes) -> bytes:
    """One length-delimited field."""
    return bytes([key]) + varint(len(content)) + content


def varint(number: int) -> bytes:
    """Base-128 of a number >= 0. Source: Protocol Buffers, "Encoding"."""
    found = bytearray()
    while number > 0x7F:  # noqa: PLR2004 - seven bits a byte
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def stored(content: bytes) -> bytes:
    """Snappy's block format with one literal."""
    return varint(len(content)) + b"\xfc" + (len(content) - 1).to_bytes(4, "little") + content
