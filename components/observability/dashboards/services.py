"""The dashboard "MCP services": how much is called, how well it is answered, and by how many replicas."""

from meshed_mcp import contract
from meshed_mcp.components.observability.dashboards.choices import (
    BUDGET_THRESHOLDS,
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
    error_thresholds,
    latency_thresholds,
    percentile,
)
from meshed_mcp.components.observability.dashboards.records import Dashboard, Kind, Page, Panel, Query, Unit
from meshed_mcp.components.observability.prometheus.slo import Objective
from meshed_mcp.components.promql import health, load, selectors, traffic


def services_dashboard(objective: Objective) -> Dashboard:
    """One page for every server in a namespace, or for one of them; thresholds are those of `objective`."""
    return Dashboard(
        uid=Page.SERVICES,
        title="MCP services",
        description="Calls, errors, latency, load and size of MCP servers.",
        variables=CHOICES,
        panels=(
            *traffic_panels(objective),
            *budget_panels(),
            *protocol_panels(),
            *load_panels(),
            *resource_panels(),
        ),
    )


def traffic_panels(objective: Objective) -> tuple[Panel, ...]:
    """What callers see."""
    latencies = tuple(Query(traffic.latency(quantile, SELECT), percentile(quantile)) for quantile in QUANTILES)
    return (
        Panel(
            title="Tool calls",
            description="Finished tools/call per second over a minute, per server, whatever their result.",
            unit=Unit.PER_SECOND,
            queries=(Query(traffic.call_rate(SELECT), BY_SERVER),),
            scrape_seconds=RECORDED_SECONDS,
        ),
        Panel(
            title="Errors",
            description="Share of operations of five minutes that failed by the server's fault. "
            "Malformed calls and unknown methods are the caller's and do not count. Lines: the default objective.",
            unit=Unit.SHARE,
            queries=(Query(traffic.error_share(SELECT), BY_SERVER),),
            scrape_seconds=RECORDED_SECONDS,
            thresholds=error_thresholds(objective),
        ),
        Panel(
            title="Latency of tool calls",
            description="Duration in the server, over all chosen servers together. Not the way through the mesh. "
            "With traces: MCP performance.",
            unit=Unit.SECONDS,
            queries=latencies,
            scrape_seconds=RECORDED_SECONDS,
            thresholds=latency_thresholds(objective),
        ),
        Panel(
            title="Most called tools",
            description="Calls per second now, tools of all chosen servers.",
            unit=Unit.PER_SECOND,
            queries=(Query(traffic.top_tools(TOP, SELECT), BY_TOOL),),
            scrape_seconds=RECORDED_SECONDS,
            kind=Kind.BARS,
        ),
    )


def budget_panels() -> tuple[Panel, ...]:
    """How much may still go wrong."""
    return (
        Panel(
            title="Error budget left",
            description="Part of each server's own budget for failures; below 0 the objective is missed.",
            unit=Unit.SHARE,
            queries=(Query(health.budget_left("errors", SELECT), BY_SERVER),),
            scrape_seconds=CLUSTER_SCRAPE_SECONDS,
            thresholds=BUDGET_THRESHOLDS,
            below="red",
            lowest=None,
        ),
        Panel(
            title="Latency budget left",
            description="Part of each server's own budget for slow calls; below 0 the objective is missed.",
            unit=Unit.SHARE,
            queries=(Query(health.budget_left("slow_calls", SELECT), BY_SERVER),),
            scrape_seconds=CLUSTER_SCRAPE_SECONDS,
            thresholds=BUDGET_THRESHOLDS,
            below="red",
            lowest=None,
        ),
    )


def protocol_panels() -> tuple[Panel, ...]:
    """What is spoken."""
    asked = {
        "Methods": ("MCP messages per second of all chosen servers, by method.", contract.LABEL_METHOD),
        "Protocol versions": ("The same by version: who still speaks an old one.", contract.LABEL_PROTOCOL),
    }
    return (
        *(
            Panel(
                title=title,
                description=description,
                unit=Unit.PER_SECOND,
                queries=(Query(traffic.operations_by(label, SELECT), f"{{{{{label}}}}}"),),
                scrape_seconds=RECORDED_SECONDS,
                width=8,
            )
            for title, (description, label) in asked.items()
        ),
        Panel(
            title="Open sessions",
            description="Of clients up to 2025-11-25; newer ones have none.",
            unit=Unit.COUNT,
            queries=(Query(load.drawn(load.SESSIONS, SELECT), BY_SERVER),),
            scrape_seconds=SERVER_SCRAPE_SECONDS,
            width=8,
        ),
    )


def load_panels() -> tuple[Panel, ...]:
    """What the autoscaler sees and what it did."""
    return (
        Panel(
            title="Calls in work and waiting",
            description="The autoscaler divides this by in_flight_per_replica. Open listen streams do not count.",
            unit=Unit.COUNT,
            queries=(Query(load.drawn(load.IN_FLIGHT, SELECT), BY_SERVER),),
            scrape_seconds=SERVER_SCRAPE_SECONDS,
        ),
        Panel(
            title="Replicas",
            description="Ready replicas beside those that the autoscaler, or the stack, wants.",
            unit=Unit.COUNT,
            queries=(
                Query(selectors.ready_replicas(NAMESPACE, SERVER), "{{deployment}} ready"),
                Query(selectors.wanted_replicas(NAMESPACE, SERVER), "{{deployment}} wanted"),
            ),
            scrape_seconds=CLUSTER_SCRAPE_SECONDS,
        ),
    )


def resource_panels() -> tuple[Panel, ...]:
    """What the replicas use."""
    pods = selectors.pods_of(SERVER)
    return (
        Panel(
            title="CPU per pod",
            description="Pods that use most now: the server's container, without its sidecar.",
            unit=Unit.CORES,
            queries=(Query(selectors.top_pods(TOP, selectors.container_cpu(NAMESPACE, pods, RATE)), "{{pod}}"),),
            scrape_seconds=CLUSTER_SCRAPE_SECONDS,
            kind=Kind.BARS,
        ),
        Panel(
            title="Memory per pod",
            description="Pods that use most now: working set of the server's container, what its limit counts.",
            unit=Unit.BYTES,
            queries=(Query(selectors.top_pods(TOP, selectors.container_memory(NAMESPACE, pods)), "{{pod}}"),),
            scrape_seconds=CLUSTER_SCRAPE_SECONDS,
            kind=Kind.BARS,
        ),
    )
