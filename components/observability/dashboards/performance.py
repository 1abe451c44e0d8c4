"""The dashboard "MCP performance": where time goes, down to one replica, with the traces behind it."""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.alerts.servers import CPU_THROTTLED
from meshed_mcp.components.observability.dashboards.choices import (
    BY_SERVER,
    BY_TOOL,
    CHOICES,
    CLUSTER_SCRAPE_SECONDS,
    NAMESPACE,
    QUANTILES,
    RATE,
    RECORDED_SECONDS,
    SELECT,
    SERVER,
    SERVER_SCRAPE_SECONDS,
    TOP,
    latency_thresholds,
    percentile,
)
from meshed_mcp.components.observability.dashboards.records import (
    Dashboard,
    Page,
    Panel,
    Query,
    Threshold,
    Unit,
    Variable,
)
from meshed_mcp.components.observability.prometheus.slo import Objective
from meshed_mcp.components.promql import load, performance, selectors, traffic

ONE_SERVER: Final = CHOICES[1]._replace(several=False)
"""Traces hang on the pods' own series, and those of one server are as many as a query should read."""

POD: Final = Variable("pod", "Replica", f"{contract.METRIC_INFO}{{{SELECT}}}", "pod", several=False)
ONE_POD: Final = "$pod"


def performance_dashboard(objective: Objective) -> Dashboard:
    """One page for one server, and for one of its replicas."""
    return Dashboard(
        uid=Page.PERFORMANCE,
        title="MCP performance",
        description="Latency with the traces behind it, waiting, refusals and throttling.",
        variables=(CHOICES[0], ONE_SERVER, POD),
        panels=(*latency_panels(objective), *waiting_panels(), *replica_panels()),
    )


def latency_panels(objective: Objective) -> tuple[Panel, ...]:
    """How long calls take."""
    slow = max(QUANTILES)
    with_traces = Query(selectors.latency_quantile(slow, SELECT, RATE), percentile(slow), exemplars=True)
    others = (Query(traffic.latency(each, SELECT), percentile(each)) for each in QUANTILES if each != slow)
    slowest = Query(traffic.latency_by_tool(slow, TOP, SELECT), BY_TOOL)
    return (
        lines(
            "Latency with traces",
            "Duration in the server; a dot is one call and leads to its trace. Line: the default objective.",
            Unit.SECONDS,
            with_traces,
            *others,
        )._replace(thresholds=latency_thresholds(objective), scrape_seconds=RECORDED_SECONDS),
        lines(f"Slowest tools, {percentile(slow)}", "Of the chosen server.", Unit.SECONDS, slowest),
    )


def waiting_panels() -> tuple[Panel, ...]:
    """What holds calls up before they begin, or turns them away."""
    return (
        lines(
            "Calls that wait",
            "For a place; the time they wait is part of their duration.",
            Unit.COUNT,
            Query(load.drawn(load.WAITING, SELECT), BY_SERVER),
        ),
        lines(
            "Requests refused",
            "Per second and reason; they are answered without being executed.",
            Unit.PER_SECOND,
            Query(performance.rejected(SELECT, RATE), f"{BY_SERVER} {{{{reason}}}}"),
        ),
        lines(
            "Open streams",
            "Per kind. They hold memory and a connection, not a place for calls.",
            Unit.COUNT,
            Query(performance.open_streams(SELECT), f"{BY_SERVER} {{{{kind}}}}"),
        ),
        Panel(
            title="CPU held back",
            description="Share of scheduling periods in which a pod's container had used up its limit.",
            unit=Unit.SHARE,
            queries=(Query(performance.throttled_share(NAMESPACE, selectors.pods_of(SERVER), RATE), "{{pod}}"),),
            scrape_seconds=CLUSTER_SCRAPE_SECONDS,
            thresholds=(Threshold(CPU_THROTTLED.default, "red"),),
        ),
    )


def replica_panels() -> tuple[Panel, ...]:
    """One replica, to compare with the others."""
    return (
        lines(
            "Calls of the replica",
            "Finished tool calls per second of the chosen replica, per tool.",
            Unit.PER_SECOND,
            Query(performance.calls_of_pod(SELECT, ONE_POD, RATE), f"{{{{{contract.LABEL_TOOL}}}}}"),
        ),
        lines(
            "Load of the replica",
            "Calls in work and waiting in the chosen replica.",
            Unit.COUNT,
            Query(performance.load_of_pod(SELECT, ONE_POD), "calls"),
        ),
        Panel(
            title="CPU of the replica",
            description="Of the server's container, without its sidecar.",
            unit=Unit.CORES,
            queries=(Query(selectors.container_cpu(NAMESPACE, ONE_POD, RATE), "{{pod}}"),),
            scrape_seconds=CLUSTER_SCRAPE_SECONDS,
        ),
        Panel(
            title="Memory of the replica",
            description="Working set of the server's container: what its memory limit counts.",
            unit=Unit.BYTES,
            queries=(Query(selectors.container_memory(NAMESPACE, ONE_POD), "{{pod}}"),),
            scrape_seconds=CLUSTER_SCRAPE_SECONDS,
        ),
    )


def lines(title: str, description: str, unit: Unit, *selectors: Query) -> Panel:
    """A line panel of the servers' own series."""
    return Panel(title, description, unit, selectors, SERVER_SCRAPE_SECONDS)
