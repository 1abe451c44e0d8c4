"""The dashboard "MCP services": how much is called, how well it is answered, and by how many replicas."""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core import queries
from meshed_mcp.components.observability.dashboards.records import (
    Dashboard,
    Kind,
    Panel,
    Query,
    Threshold,
    Unit,
    Variable,
)

SERVER_SCRAPE_SECONDS: Final = 5
"""Scrape interval of MCP servers, set by their PodMonitors."""

CLUSTER_SCRAPE_SECONDS: Final = 30
"""Scrape interval of kubelet and kube-state-metrics, the stack's default."""

RATE: Final = "$__rate_interval"
NAMESPACE: Final = "$namespace"
SERVER: Final = "$server"
SELECT: Final = queries.selector(NAMESPACE, SERVER, regex=True)
BY_SERVER: Final = f"{{{{{contract.LABEL_SERVER}}}}}"
QUANTILES: Final = (0.5, 0.95, 0.99)
TOP_TOOLS: Final = 10

ERROR_THRESHOLDS: Final = (Threshold(0.01, "orange"), Threshold(0.05, "red"))
"""1 % and 5 % of the calls; the product's choice until a service has objectives of its own."""


def services_dashboard() -> Dashboard:
    """One page for every server in a namespace, or for one of them."""
    return Dashboard(
        uid="mcp-services",
        title="MCP services",
        description="Calls, errors, latency, load and size of MCP servers.",
        variables=(
            Variable("namespace", "Namespace", contract.METRIC_INFO, "namespace"),
            Variable("server", "Server", f'{contract.METRIC_INFO}{{namespace=~"{NAMESPACE}"}}', contract.LABEL_SERVER),
        ),
        panels=(*traffic_panels(), *load_panels(), *resource_panels()),
    )


def traffic_panels() -> tuple[Panel, ...]:
    """What callers see."""
    latencies = tuple(
        Query(queries.latency_quantile(quantile, SELECT, RATE), f"p{round(quantile * 100)}") for quantile in QUANTILES
    )
    return (
        Panel(
            title="Tool calls",
            description="Finished tools/call per second, per server, whatever their result.",
            unit=Unit.PER_SECOND,
            queries=(Query(queries.call_rate(SELECT, RATE), BY_SERVER),),
            scrape_seconds=SERVER_SCRAPE_SECONDS,
        ),
        Panel(
            title="Errors",
            description="Share of operations that failed by the server's fault. "
            "Malformed calls and unknown methods are the caller's and do not count.",
            unit=Unit.SHARE,
            queries=(Query(queries.error_share(SELECT, RATE), BY_SERVER),),
            scrape_seconds=SERVER_SCRAPE_SECONDS,
            thresholds=ERROR_THRESHOLDS,
        ),
        Panel(
            title="Latency of tool calls",
            description="Duration in the server, over all chosen servers together. Not the way through the mesh.",
            unit=Unit.SECONDS,
            queries=latencies,
            scrape_seconds=SERVER_SCRAPE_SECONDS,
        ),
        Panel(
            title="Most called tools",
            description="Calls per second now, tools of all chosen servers.",
            unit=Unit.PER_SECOND,
            queries=(Query(queries.top_tools(TOP_TOOLS, SELECT, RATE), f"{BY_SERVER} {{{{{contract.LABEL_TOOL}}}}}"),),
            scrape_seconds=SERVER_SCRAPE_SECONDS,
            kind=Kind.BARS,
        ),
    )


def load_panels() -> tuple[Panel, ...]:
    """What the autoscaler sees and what it did."""
    return (
        Panel(
            title="Calls in work and waiting",
            description="The autoscaler divides this by in_flight_per_replica. Open listen streams do not count.",
            unit=Unit.COUNT,
            queries=(Query(queries.in_flight_by_server(SELECT), BY_SERVER),),
            scrape_seconds=SERVER_SCRAPE_SECONDS,
        ),
        Panel(
            title="Replicas",
            description="Ready replicas beside those that the autoscaler, or the stack, wants.",
            unit=Unit.COUNT,
            queries=(
                Query(queries.ready_replicas(NAMESPACE, SERVER), "{{deployment}} ready"),
                Query(queries.wanted_replicas(NAMESPACE, SERVER), "{{deployment}} wanted"),
            ),
            scrape_seconds=CLUSTER_SCRAPE_SECONDS,
        ),
    )


def resource_panels() -> tuple[Panel, ...]:
    """What the replicas use."""
    pods = queries.pods_of(SERVER)
    return (
        Panel(
            title="CPU per pod",
            description="Of the server's container, without its sidecar.",
            unit=Unit.CORES,
            queries=(Query(queries.container_cpu(NAMESPACE, pods, RATE), "{{pod}}"),),
            scrape_seconds=CLUSTER_SCRAPE_SECONDS,
        ),
        Panel(
            title="Memory per pod",
            description="Working set of the server's container: what its memory limit counts.",
            unit=Unit.BYTES,
            queries=(Query(queries.container_memory(NAMESPACE, pods), "{{pod}}"),),
            scrape_seconds=CLUSTER_SCRAPE_SECONDS,
        ),
    )
