"""The dashboards "MCP usage" (calls by organization and tool, tokens) and "MCP cost" (by OpenCost's prices).

No panel identifies a user.
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.observability.dashboards.records import Dashboard, Kind, Panel, Query, Uid, Unit
from meshed_mcp.components.observability.dashboards.shared import (
    BY_ORGANIZATION,
    BY_SERVER,
    BY_TOOL,
    RECORDED_SECONDS,
    SELECT,
    TOP,
    VARIABLES,
    bar_gauge,
    of_runtime,
    panel,
    scraped_every,
)
from meshed_mcp.components.promql import cost, usage

BY_MODEL: Final = "{{model}} {{token_type}}"


def ranking(title: str, expression: str, legend: str) -> Panel:
    """Calls in the time range, highest first."""
    description = "Tool calls in the time range, extrapolated from recorded rates."
    return bar_gauge(title, description, Unit.COUNT, Query(expression, legend))


USAGE_PANELS: Final = of_runtime(
    *scraped_every(
        RECORDED_SECONDS,
        panel(
            "Calls by organization",
            "Per second.",
            Unit.PER_SECOND,
            Query(usage.calls_by_organization(SELECT), BY_ORGANIZATION),
            width=16,
        ),
        panel(
            "Active organizations",
            "With at least one call in the time range.",
            Unit.COUNT,
            Query(usage.organizations(SELECT), "all"),
            kind=Kind.STAT,
            width=8,
        ),
        ranking("Organizations with most calls", usage.top_organizations(TOP, SELECT), BY_ORGANIZATION),
        ranking(
            "Calls by organization and tool",
            usage.top_organizations(TOP, SELECT, contract.LABEL_SERVER, contract.LABEL_TOOL),
            f"{BY_ORGANIZATION}: {BY_TOOL}",
        ),
        ranking("Most called tools", usage.tool_ranking(TOP, SELECT), BY_TOOL)._replace(width=24),
        panel(
            "Token rate",
            "Tokens per second, per model and type, as the model's endpoint reports them. Empty without a model.",
            Unit.PER_SECOND,
            Query(usage.tokens(SELECT), BY_MODEL),
        ),
        bar_gauge(
            "Tokens in the time range",
            "Per model and type.",
            Unit.COUNT,
            Query(usage.tokens_in_range(SELECT), BY_MODEL),
        ),
    )
)
USAGE: Final = Dashboard(
    uid=Uid.USAGE,
    description="Organizations, tools and tokens. An organization is a claim of the token, else the namespace.",
    variables=VARIABLES,
    panels=USAGE_PANELS,
)
"""Rankings are over the whole time range."""

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
    *of_runtime(
        bar_gauge(
            "Most expensive tools",
            "Per hour. A server's cost is allocated by the execution time of its tools.",
            Unit.AMOUNT,
            Query(cost.by_tool(TOP, SELECT), BY_TOOL),
        ),
        bar_gauge(
            "Most expensive organizations",
            "Per hour. A server's cost is allocated by the number of calls of each organization.",
            Unit.AMOUNT,
            Query(cost.by_organization(TOP, SELECT), BY_ORGANIZATION),
        ),
        bar_gauge(
            "Tokens in the time range",
            "Per model and type; multiply by the model's price. Empty without a model.",
            Unit.COUNT,
            Query(usage.tokens_in_range(SELECT), BY_MODEL),
            width=24,
        ),
    ),
)
COST: Final = Dashboard(
    uid=Uid.COST,
    description="Cost per hour of pods, sidecars included, by OpenCost's node prices and in its currency.",
    variables=VARIABLES,
    panels=COST_PANELS,
)
"""Without OpenCost only the token panel has data."""
