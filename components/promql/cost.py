"""PromQL of cost by OpenCost's prices: cost of pods, allocated to tools and organizations by their usage.

Amounts are in OpenCost's currency, per hour. Without OpenCost all expressions are empty. Source of the series:
OpenCost, "Prometheus metrics".
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.promql import selectors, sli
from meshed_mcp.components.promql.selectors import PromQL

POD_COST: Final = "server:mcp_pod_cost:per_hour"
"""Recorded cost per hour of a server's pods, sidecars included."""

GIB: Final = 2**30
HOURS_PER_MONTH: Final = 730
BY_SERVER: Final = f"namespace, {contract.LABEL_SERVER}"


def pod_cost() -> str:
    """Cost per hour of the CPU and memory of every container of a server's pods at its node's prices."""
    priced = " + ".join(
        f"sum by (namespace, pod) ({allocation} * on (node) group_left () max by (node) ({price}))"
        for allocation, price in (
            ("container_cpu_allocation", "node_cpu_hourly_cost"),
            (f"container_memory_allocation_bytes / {GIB}", "node_ram_hourly_cost"),
        )
    )
    server = selectors.pods_by_server()
    joined = f"({priced}) * on (namespace, pod) group_left ({contract.LABEL_SERVER}) {server}"
    return f"sum by ({BY_SERVER}) ({joined})"


def by_server(select: str) -> str:
    """Cost per hour, per server."""
    return f"sum by ({contract.LABEL_SERVER}) ({POD_COST}{{{select}}})"


def by_tool(count: int, select: str) -> str:
    """Cost per hour of the `count` most expensive tools, allocated by their share of the server's work."""
    work = f"{sli.SECONDS}{{{select}}}"
    every = f"sum by ({BY_SERVER}) ({work})"
    share = f"{work} / on ({BY_SERVER}) group_left () ({every} > 0)"
    return f"topk({count}, ({share}) * on ({BY_SERVER}) group_left () {POD_COST}{{{select}}})"


def by_organization(count: int, select: str) -> str:
    """Cost per hour of the `count` most expensive organizations, allocated by their share of each server's calls."""
    calls = f"sum by ({BY_SERVER}, {contract.LABEL_ORGANIZATION}) ({sli.USAGE}{{{select}}})"
    every = f"sum by ({BY_SERVER}) ({sli.USAGE}{{{select}}})"
    share = f"({calls}) / on ({BY_SERVER}) group_left () ({every} > 0)"
    cost = f"({share}) * on ({BY_SERVER}) group_left () {POD_COST}{{{select}}}"
    return f"topk({count}, sum by ({contract.LABEL_ORGANIZATION}) ({cost}))"


def per_thousand_calls(select: str) -> str:
    """Cost of a thousand tool calls, per server; absent if idle."""
    calls = f'sum by ({BY_SERVER}) ({sli.SERVER_DURATIONS}{{{select},le="+Inf"}}) * 3.6'
    return f"sum by ({contract.LABEL_SERVER}) ({POD_COST}{{{select}}} / on ({BY_SERVER}) ({calls} > 0))"


def cluster_share(select: str) -> str:
    """Ratio of the cluster cost that the servers' pods cause, 0..1."""
    return f"sum({POD_COST}{{{select}}}) / sum(node_total_hourly_cost)"


def monthly_cost_above(threshold: float) -> PromQL:
    """Monthly cost of all servers' pods at the mean of the last day, where above `threshold`; for an alert."""
    return PromQL(f"sum(avg_over_time({POD_COST}[1d])) * {HOURS_PER_MONTH} > {threshold:g}")
