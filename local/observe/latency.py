"""Latency of one request, directly and through the mesh: sequential, in pairs, so that both see the same machine."""

import statistics
from dataclasses import dataclass
from time import perf_counter
from typing import Final

from meshed_mcp.local.clients import Question, question
from meshed_mcp.local.translate.endpoints import Endpoint

SAMPLES: Final = 150
"""Measured requests each way. The p99 of so few is an order of magnitude, no more."""

WARM_UP: Final = 20
"""Requests each way before the first that counts."""

MILLISECONDS: Final = 1000


@dataclass(frozen=True)
class Latency:
    """Percentiles of one way, milliseconds."""

    p50_ms: float
    p99_ms: float


async def paired_latency(direct: Endpoint, mesh: Endpoint, *, mcp: bool) -> tuple[Latency, Latency]:
    """Latency direct and through the mesh, one request at a time, alternating."""
    async with question(direct, mcp=mcp) as straight, question(mesh, mcp=mcp) as meshed:
        for _ in range(WARM_UP):
            await straight()
            await meshed()
        pairs = [(await _milliseconds(straight), await _milliseconds(meshed)) for _ in range(SAMPLES)]
    return latency([pair[0] for pair in pairs]), latency([pair[1] for pair in pairs])


def latency(milliseconds: list[float]) -> Latency:
    """Percentiles of at least two samples, by linear interpolation."""
    return Latency(
        p50_ms=statistics.median(milliseconds),
        p99_ms=statistics.quantiles(milliseconds, n=100, method="inclusive")[98],
    )


async def _milliseconds(ask: Question) -> float:
    begin = perf_counter()
    await ask()
    return (perf_counter() - begin) * MILLISECONDS
