"""The dashboard "MCP performance": latency with exemplars, queueing, rejections and throttling, down to one pod."""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.alerts.servers import CPU_THROTTLED
from meshed_mcp.components.observability.dashboards.records import (
    Dashboard,
    Panel,
    Query,
    Threshold,
    Uid,
    Unit,
    Variable,
)
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
    latency_thresholds,
    of_runtime,
    panel,
    percentile,
    scraped_every,
)
from meshed_mcp.components.observability.prometheus.slo import Objective
from meshed_mcp.components.promql import load, selectors, traffic

ONE_SERVER: Final = VARIABLES[1]._replace(multi=False)
"""Exemplars belong to the pods' own series; those of one server are as many as a query should read."""

POD_VARIABLE: Final = Variable("pod", "Pod", f"up{{{SELECT},{selectors.SERVER_TARGETS}}}", "pod", multi=False)
POD: Final = "$pod"


def performance_dashboard(objective: Objective) -> Dashboard:
    """The dashboard for one server and one of its pods."""
    return Dashboard(
        uid=Uid.PERFORMANCE,
        description="Latency with exemplars, queued and rejected requests, CPU throttling.",
        variables=(VARIABLES[0], ONE_SERVER, POD_VARIABLE),
        panels=(*latency_panels(objective), *PANELS),
    )


def latency_panels(objective: Objective) -> tuple[Panel, ...]:
    """Duration of calls."""
    slow = max(QUANTILES)
    return (
        panel(
            "Latency with exemplars",
            "Duration in the server; a dot is one call and links to its trace. Line: the default objective.",
            Unit.SECONDS,
            Query(traffic.latency_of_pods(slow, SELECT, RATE), percentile(slow), exemplars=True),
            *(Query(traffic.latency(each, SELECT), percentile(each)) for each in QUANTILES if each != slow),
            scrape_seconds=RECORDED_SECONDS,
            thresholds=latency_thresholds(objective),
        ),
        *of_runtime(
            panel(
                f"Slowest tools, {percentile(slow)}",
                "Of the selected server.",
                Unit.SECONDS,
                Query(traffic.latency_by_tool(slow, TOP, SELECT), BY_TOOL),
                scrape_seconds=SERVER_SCRAPE_SECONDS,
            )
        ),
    )


PANELS: Final = (
    *scraped_every(
        SERVER_SCRAPE_SECONDS,
        *of_runtime(
            panel(
                "Queued requests",
                "Requests that wait for a concurrency slot; their duration includes the wait.",
                Unit.COUNT,
                Query(load.recorded_load(load.QUEUED, SELECT), BY_SERVER),
            ),
            panel(
                "Rejected requests",
                "Per second and reason. The server does not execute them.",
                Unit.PER_SECOND,
                Query(traffic.rejected(SELECT, RATE), f"{BY_SERVER} {{{{reason}}}}"),
            ),
        ),
        panel(
            "Open streams",
            "Per kind. A stream uses memory and a connection, not a concurrency slot.",
            Unit.COUNT,
            Query(traffic.open_streams(SELECT), f"{BY_SERVER} {{{{kind}}}}"),
        ),
    ),
    panel(
        "CPU throttling",
        "Ratio of CPU periods in which a pod's container was throttled at its limit.",
        Unit.RATIO,
        Query(traffic.throttled_ratio(NAMESPACE, selectors.pods_of(SERVER), RATE), "{{pod}}"),
        thresholds=(Threshold(CPU_THROTTLED.default, "red"),),
    ),
    *scraped_every(
        SERVER_SCRAPE_SECONDS,
        panel(
            "Pod tool calls",
            "Completed tool calls per second of the selected pod, per tool. Without the runtime: all responses.",
            Unit.PER_SECOND,
            Query(traffic.pod_call_rate(SELECT, POD, RATE), f"{{{{{contract.LABEL_TOOL}}}}}"),
        ),
        panel(
            "Pod requests in flight",
            "In-flight and queued requests of the selected pod.",
            Unit.COUNT,
            Query(load.in_flight_of_pods(f'{SELECT},pod="{POD}"'), "requests"),
        ),
    ),
    panel(
        "Pod CPU",
        "Of the server's container, without its sidecar.",
        Unit.CORES,
        Query(selectors.container_cpu(NAMESPACE, POD, RATE), "{{pod}}"),
    ),
    panel(
        "Pod memory",
        "Working set of the server's container, which its memory limit applies to.",
        Unit.BYTES,
        Query(selectors.container_memory(NAMESPACE, POD), "{{pod}}"),
    ),
)
