"""The dashboard "MCP cost": cost of servers, tools and organizations by OpenCost's prices, and tokens."""

from typing import Final

from meshed_mcp.components.observability.dashboards.records import Dashboard, Kind, Query, Uid, Unit
from meshed_mcp.components.observability.dashboards.shared import (
    BY_ORGANIZATION,
    BY_SERVER,
    BY_TOOL,
    SELECT,
    TOP,
    VARIABLES,
    panel,
)
from meshed_mcp.components.promql import cost, usage


def cost_dashboard() -> Dashboard:
    """The dashboard for the selected servers; without OpenCost only the token panel has data."""
    return Dashboard(
        uid=Uid.COST,
        title="MCP cost",
        description="Cost per hour of pods, sidecars included, by OpenCost's node prices and in its currency.",
        variables=VARIABLES,
        panels=COST_PANELS,
    )


COST_PANELS: Final = (
    panel(
        "Share of the cluster cost",
        "Ratio of the cluster cost that the selected servers cause. The rest is other workloads and idle capacity.",
        Unit.RATIO,
        Query(cost.cluster_share(SELECT), "servers"),
        width=24,
    )._replace(height=6),
    panel("Cost by server", "Per hour.", Unit.AMOUNT, Query(cost.by_server(SELECT), BY_SERVER)),
    panel(
        "Cost per thousand calls",
        "Includes idle replicas: a better used server costs less per call.",
        Unit.AMOUNT,
        Query(cost.per_thousand_calls(SELECT), BY_SERVER),
    ),
    panel(
        "Most expensive tools",
        "Per hour. A server's cost is allocated by the execution time of its tools.",
        Unit.AMOUNT,
        Query(cost.by_tool(TOP, SELECT), BY_TOOL),
        kind=Kind.BAR_GAUGE,
    ),
    panel(
        "Most expensive organizations",
        "Per hour. A server's cost is allocated by the number of calls of each organization.",
        Unit.AMOUNT,
        Query(cost.by_organization(TOP, SELECT), BY_ORGANIZATION),
        kind=Kind.BAR_GAUGE,
    ),
    panel(
        "Tokens in the time range",
        "Per model and type; multiply by the model's price. Empty without a model.",
        Unit.COUNT,
        Query(usage.tokens_in_range(SELECT), "{{model}} {{token_type}}"),
        kind=Kind.BAR_GAUGE,
        width=24,
    ),
)
