"""Verifies a running stack: calls, measurements, unauthorized calls, and the report on them."""

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, Final, NamedTuple

from prometheus_client.parser import text_string_to_metric_families
from rich.table import Table

from meshed_mcp import contract
from meshed_mcp.error_codes.code import Message
from meshed_mcp.error_codes.local import CALLER_NOT_REJECTED, PLAINTEXT_ACCEPTED, UNKNOWN_CALL_TARGET
from meshed_mcp.local.clients import TimedRequest, call, repeatable_request, status, tools
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.process.proxies import get_text
from meshed_mcp.local.process.stack_runner import Running
from meshed_mcp.local.translate.endpoints import (
    Endpoint,
    as_caller,
    callers,
    direct,
    gateway_url,
    speaks_mcp,
    through_mesh,
)
from meshed_mcp.local.translate.envoy.bootstrap import accepts_plaintext
from meshed_mcp.local.translate.objects.workload import Service
from meshed_mcp.local.translate.topology import INBOUND_PORT, Topology

CALL_METHOD: Final = "tools/call"
"""Source: MCP specification, "Tools"."""

SCRAPE_SECONDS: Final = 5.0
"""Timeout of a scrape of one replica."""

RESULT_LENGTH: Final = 300
"""Characters of a result to print."""

SAMPLES: Final = 150
"""Measured requests each way; the p99 is an order of magnitude."""

WARM_UP: Final = 20
"""Requests each way before the first measured one."""

MILLISECONDS: Final = 1000

REJECTED: Final = (401, 403)
"""Without a required token, and by policy. Source: RFC 9110, section 15.5.2; Envoy, RBAC filter."""

NOTHING: Final = "-"
"""Shown without a number."""


class Latency(NamedTuple):
    """Percentiles in milliseconds."""

    p50_ms: float
    p99_ms: float

    def __str__(self) -> str:
        return f"{self.p50_ms:.1f} / {self.p99_ms:.1f}"


class Call(NamedTuple):
    """A tool call through the mesh."""

    service: str
    tool: str
    arguments: dict[str, Any]


class Row(NamedTuple):
    """Measurements of one service; `calls` counts tools/call of all its replicas."""

    service: str
    replicas: int
    tools: int | None
    calls: int | None
    direct: Latency | None
    mesh: Latency | None
    connect: str | None


async def make_calls(running: Running, calls: Sequence[Call], report: Callable[[str], None]) -> None:
    """Make the calls in order and report each result. Raises LocalRunError at the first that fails."""
    services = {service.name: service for service in running.topology.stack.services}
    for each in calls:
        service = services.get(each.service)
        endpoint = through_mesh(running, service) if service is not None else None
        if endpoint is None:
            known = ", ".join(sorted(services))
            raise LocalRunError(UNKNOWN_CALL_TARGET.message(service=each.service, tool=each.tool, known=known))
        result = " ".join((await call(endpoint, each.tool, each.arguments)).split())
        report(f"{each.service}/{each.tool} answered: {result[:RESULT_LENGTH]}")


async def rows(running: Running, report: Callable[[str], None]) -> list[Row]:
    """A row per service, with the latency direct and through the mesh."""
    measured = []
    for service in running.topology.stack.services:
        measured.append(await _row(running, service))
        report(f"{service.name} measured")
    return measured


async def _row(running: Running, service: Service) -> Row:
    straight, meshed = direct(running.topology, service), through_mesh(running, service)
    mcp = speaks_mcp(service)
    offered = len(await tools(meshed)) if meshed and mcp else None
    latencies = await paired_latency(straight, meshed, mcp=mcp) if straight and meshed else (None, None)
    return Row(
        service=service.name,
        replicas=len(running.topology.behind(service)),
        tools=offered,
        calls=tool_calls(running.topology, service) if mcp else None,
        direct=latencies[0],
        mesh=latencies[1],
        connect=gateway_url(running, service),
    )


def tool_calls(topology: Topology, service: Service) -> int | None:
    """Tool calls by the metrics of the replicas; None when no replica has the metric."""
    path = f":{contract.MANAGEMENT_PORT}{contract.METRICS_PATH}"
    texts = [get_text(f"http://{pod.address}{path}", SCRAPE_SECONDS) or "" for pod in topology.behind(service)]
    return sum(map(counted_calls, texts)) if any(contract.METRIC_OPERATION_DURATION in text for text in texts) else None


def counted_calls(metrics: str) -> int:
    """Tool calls in the metrics of one replica, Prometheus text format."""
    name = f"{contract.METRIC_OPERATION_DURATION}_count"
    samples = [sample for family in text_string_to_metric_families(metrics) for sample in family.samples]
    calls = [each for each in samples if each.name == name and each.labels.get(contract.LABEL_METHOD) == CALL_METHOD]
    return int(sum(each.value for each in calls))


async def paired_latency(direct: Endpoint, mesh: Endpoint, *, mcp: bool) -> tuple[Latency, Latency]:
    """Latency direct and through the mesh, one request at a time."""
    async with repeatable_request(direct, mcp=mcp) as straight, repeatable_request(mesh, mcp=mcp) as meshed:
        for _ in range(WARM_UP):
            await straight()
            await meshed()
        pairs = [(await _milliseconds(straight), await _milliseconds(meshed)) for _ in range(SAMPLES)]
    straight_ms, meshed_ms = zip(*pairs, strict=True)
    return latency(straight_ms), latency(meshed_ms)


def latency(milliseconds: Sequence[float]) -> Latency:
    """Percentiles of at least two samples, by linear interpolation."""
    return Latency(statistics.median(milliseconds), statistics.quantiles(milliseconds, n=100, method="inclusive")[98])


async def _milliseconds(request: TimedRequest) -> float:
    begin = perf_counter()
    await request()
    return (perf_counter() - begin) * MILLISECONDS


class Rejections(NamedTuple):
    """Numbers of rejected attempts."""

    callers: int
    plaintext: int


async def verify_rejections(topology: Topology) -> Rejections:
    """Call as every unauthorized caller, and in plaintext. Raises LocalRunError with a line per accepted attempt."""
    return Rejections(await _callers(topology), await _plaintext(topology))


async def _callers(topology: Topology) -> int:
    accepted = list[Message]()
    tried = 0
    for service in topology.stack.services:
        for caller in callers(topology, service, allowed=False):
            tried += 1
            code = await status(as_caller(topology, service, caller), "POST" if speaks_mcp(service) else "GET")
            if code not in REJECTED:
                accepted.append(CALLER_NOT_REJECTED.message(caller=caller.name, service=service.name, answer=code))
    if accepted:
        raise LocalRunError(*accepted)
    return tried


async def _plaintext(topology: Topology) -> int:
    strict = [pod for pod in topology.pods if not accepts_plaintext(topology, pod)]
    statuses = {pod.name: await status(Endpoint(f"http://{pod.address}:{INBOUND_PORT}/"), "GET") for pod in strict}
    accepted = [PLAINTEXT_ACCEPTED.message(name=name, code=code) for name, code in statuses.items() if code is not None]
    if accepted:
        raise LocalRunError(*accepted)
    return len(strict)


def table(rows: Sequence[Row]) -> Table:
    """Measurements of every service; latencies in milliseconds."""
    shown = Table()
    shown.add_column("service", no_wrap=True)
    for heading in ("replicas", "tools", "calls", "direct ms\np50 / p99", "mesh ms\np50 / p99"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        cells = (row.replicas, row.tools, row.calls, row.direct, row.mesh)
        shown.add_row(row.service, *(NOTHING if each is None else str(each) for each in cells))
    return shown


def summary_lines(rows: Sequence[Row], rejections: Rejections, not_run: Sequence[str], logs: Path) -> list[str]:
    """URLs of clients, rejections, objects that do not run, folder of the logs."""
    kinds = sorted({name.split(" ", 1)[0] for name in not_run})
    inside = [row.service for row in rows if row.connect is None]
    return [
        *(f"connect a client to {row.connect}" for row in rows if row.connect is not None),
        *([f"inside the mesh only: {', '.join(inside)}"] if inside else []),
        _rejected(rejections),
        f"not run: {len(not_run)} objects ({', '.join(kinds)})" if not_run else "every rendered object runs",
        f"logs: {logs}",
    ]


def _rejected(found: Rejections) -> str:
    callers = (
        f"{found.callers} of {found.callers} calls of unauthorized callers" if found.callers else "no caller to try"
    )
    return f"rejected: {callers}; plaintext by {found.plaintext} of {found.plaintext} strict replicas"
