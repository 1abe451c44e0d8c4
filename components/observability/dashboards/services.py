"""The dashboard "MCP services": calls, errors, latency, error budgets, load and resources of MCP servers."""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.observability.dashboards.records import Dashboard, Kind, Panel, Query, Uid, Unit
from meshed_mcp.components.observability.dashboards.shared import (
    BY_SERVER,
    BY_TOOL,
    NAMESPACE,
    QUANTILES,
    RATE,
    RECORDED_SECONDS,
    SELECT,
    SERVER,
    SERVER_SCRAPE_SECONDS,
    TOP,
    VARIABLES,
    bar_gauge,
    budget_panel,
    error_thresholds,
    latency_thresholds,
    of_runtime,
    panel,
    percentile,
    scraped_every,
)
from meshed_mcp.components.observability.prometheus.slo import Objective
from meshed_mcp.components.promql import health, load, selectors, traffic


def services_dashboard(objective: Objective) -> Dashboard:
    """The dashboard for one or several servers; thresholds are those of `objective`."""
    return Dashboard(
        uid=Uid.SERVICES,
        description="Calls, errors, latency, load and replicas of MCP servers.",
        variables=VARIABLES,
        panels=(*traffic_panels(objective), *PANELS),
    )


def traffic_panels(objective: Objective) -> tuple[Panel, ...]:
    """Calls, errors and latency."""
    return scraped_every(
        RECORDED_SECONDS,
        panel(
            "Tool calls",
            "Completed tools/call requests per second over a minute, per server, errors included. Of a server without "
            "the runtime: all responses.",
            Unit.PER_SECOND,
            Query(traffic.call_rate(SELECT), BY_SERVER),
        ),
        panel(
            "Error ratio",
            "Ratio of operations of five minutes that failed with a server error. Client errors, such as malformed "
            "calls and unknown methods, do not count. Of a server without the runtime: responses with status 5xx. "
            "Lines: the default objective.",
            Unit.RATIO,
            Query(traffic.error_ratio(SELECT), BY_SERVER),
            thresholds=error_thresholds(objective),
        ),
        panel(
            "Tool call latency",
            "Duration in the server, over all selected servers, without the mesh. MCP performance has exemplars.",
            Unit.SECONDS,
            *(Query(traffic.latency(quantile, SELECT), percentile(quantile)) for quantile in QUANTILES),
            thresholds=latency_thresholds(objective),
        ),
        *of_runtime(
            bar_gauge(
                "Most called tools",
                "Current calls per second, over all selected servers.",
                Unit.PER_SECOND,
                Query(traffic.top_tools(TOP, SELECT), BY_TOOL),
            )
        ),
    )


PODS: Final = selectors.pods_of(SERVER)
PANELS: Final = (
    *(
        budget_panel(
            f"{title} budget remaining",
            f"Of each server's objective for {objective}; below 0 the objective is missed.",
            Query(health.budget_remaining(bad, SELECT), BY_SERVER),
            kind=Kind.TIME_SERIES,
        )
        for bad, title, objective in (("errors", "Error", "errors"), ("slow_calls", "Latency", "slow calls"))
    ),
    *of_runtime(
        *(
            panel(
                title,
                f"MCP messages per second, by {name}.",
                Unit.PER_SECOND,
                Query(traffic.operations_by(label, SELECT), f"{{{{{label}}}}}"),
                scrape_seconds=RECORDED_SECONDS,
                width=8,
            )
            for title, name, label in (
                ("MCP methods", "method", contract.LABEL_METHOD),
                ("Protocol versions", "protocol version", contract.LABEL_PROTOCOL),
            )
        ),
        panel(
            "Open sessions",
            "Of clients up to protocol version 2025-11-25; newer ones have none.",
            Unit.COUNT,
            Query(load.recorded_load(load.SESSIONS, SELECT), BY_SERVER),
            scrape_seconds=SERVER_SCRAPE_SECONDS,
            width=8,
        ),
    ),
    panel(
        "Requests in flight",
        "In-flight and queued requests. The autoscaler divides them by in_flight_per_replica. Open listen streams "
        "do not count.",
        Unit.COUNT,
        Query(load.recorded_load(load.IN_FLIGHT, SELECT), BY_SERVER),
        scrape_seconds=SERVER_SCRAPE_SECONDS,
    ),
    panel(
        "Replicas",
        "Ready replicas, and those that the autoscaler or the stack desires.",
        Unit.COUNT,
        Query(selectors.replicas("ready", NAMESPACE, SERVER), "{{deployment}} ready"),
        Query(selectors.replicas("desired", NAMESPACE, SERVER), "{{deployment}} desired"),
    ),
    bar_gauge(
        "CPU per pod",
        "Pods with the highest usage: the server's container, without its sidecar.",
        Unit.CORES,
        Query(f"topk({TOP}, {selectors.container_cpu(NAMESPACE, PODS, RATE)})", "{{pod}}"),
    ),
    bar_gauge(
        "Memory per pod",
        "Pods with the highest usage: working set of the server's container, which its memory limit applies to.",
        Unit.BYTES,
        Query(f"topk({TOP}, {selectors.container_memory(NAMESPACE, PODS)})", "{{pod}}"),
    ),
)
