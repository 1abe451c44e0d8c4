"""Asks a running stack everything that the table shows: tools, calls, latency.

A running stack in, a row per service out. Raises LocalRunError with one line per answer that did not come.
"""

import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from prometheus_client.parser import text_string_to_metric_families

from meshed_mcp import contract
from meshed_mcp.error_codes.local import UNKNOWN_CALL_TARGET
from meshed_mcp.local.clients import call, tools
from meshed_mcp.local.errors import LocalRunError
from meshed_mcp.local.observe.latency import Latency, paired_latency
from meshed_mcp.local.process.stack_runner import Running
from meshed_mcp.local.translate.endpoints import direct, gateway_url, speaks_mcp, through_mesh
from meshed_mcp.local.translate.objects.workload import Service
from meshed_mcp.local.translate.topology import Pod, Topology

CALL_METHOD: Final = "tools/call"
"""Source: MCP specification, "Tools"."""

SCRAPE_SECONDS: Final = 5.0
"""Longest wait for a replica's metrics."""


ANSWER_LENGTH: Final = 300
"""Characters of an answer that are shown."""


@dataclass(frozen=True)
class Call:
    """A tool call to make through the mesh."""

    service: str
    tool: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Row:
    """What one service showed. `calls` counts tools/call of all its replicas, whoever made them."""

    service: str
    replicas: int
    tools: int | None
    calls: int | None
    direct: Latency | None
    mesh: Latency | None
    connect: str | None


async def make_calls(running: Running, calls: Sequence[Call], tell: Callable[[str], None]) -> None:
    """Make the calls in order and tell each answer. Raises LocalRunError at the first that fails."""
    services = {service.name: service for service in running.topology.stack.services}
    for each in calls:
        service = services.get(each.service)
        endpoint = through_mesh(running, service) if service is not None else None
        if endpoint is None:
            known = ", ".join(sorted(services))
            raise LocalRunError(UNKNOWN_CALL_TARGET.message(service=each.service, tool=each.tool, known=known))
        answer = " ".join((await call(endpoint, each.tool, each.arguments)).split())
        tell(f"{each.service}/{each.tool} answered: {answer[:ANSWER_LENGTH]}")


async def rows(running: Running, tell: Callable[[str], None]) -> list[Row]:
    """A row per service: its tools through the mesh, and latencies both ways."""
    found = []
    for service in running.topology.stack.services:
        found.append(await _row(running, service))
        tell(f"{service.name} measured")
    return found


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
    """Calls of tools that the replicas' own metrics count; None when no replica has that metric."""
    texts = [_metrics(pod) for pod in topology.behind(service)]
    return sum(map(counted_calls, texts)) if any(contract.METRIC_OPERATION_DURATION in text for text in texts) else None


def counted_calls(metrics: str) -> int:
    """Calls of tools in one replica's metrics, text format of Prometheus."""
    counts = [
        sample.value
        for family in text_string_to_metric_families(metrics)
        for sample in family.samples
        if sample.name == f"{contract.METRIC_OPERATION_DURATION}_count"
        and sample.labels.get(contract.LABEL_METHOD) == CALL_METHOD
    ]
    return int(sum(counts))


def _metrics(pod: Pod) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    url = f"http://{pod.address}:{contract.MANAGEMENT_PORT}{contract.METRICS_PATH}"
    try:
        with opener.open(url, timeout=SCRAPE_SECONDS) as response:
            return str(response.read(), "utf-8")
    except OSError:
        return ""
