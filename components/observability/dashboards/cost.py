"""The dashboard "MCP cost": what servers, tools and organizations cost by OpenCost's prices, and tokens."""

from meshed_mcp import contract
from meshed_mcp.components.observability.dashboards.choices import (
    BY_SERVER,
    BY_TOOL,
    CHOICES,
    CLUSTER_SCRAPE_SECONDS,
    SELECT,
    TOP,
)
from meshed_mcp.components.observability.dashboards.records import Dashboard, Kind, Page, Panel, Query, Unit
from meshed_mcp.components.promql import cost, usage


def cost_dashboard() -> Dashboard:
    """One page for the servers that are chosen; empty without OpenCost, but for the tokens."""
    return Dashboard(
        uid=Page.COST,
        title="MCP cost",
        description="Pods at their nodes' prices (OpenCost), per hour in OpenCost's currency. Proxies count.",
        variables=CHOICES,
        panels=(
            *cluster_panels(),
            lines("Cost by server", "Per hour: pods at their nodes' prices.", cost.by_server(SELECT), BY_SERVER),
            lines(
                "Cost of a thousand calls",
                "Idle replicas count: it falls as a server is used better.",
                cost.per_thousand_calls(SELECT),
                BY_SERVER,
            ),
            lines(
                "Dearest tools",
                "Per hour: the part of their server's pods that their calls kept busy.",
                cost.by_tool(TOP, SELECT),
                BY_TOOL,
            )._replace(kind=Kind.BARS),
            lines(
                "Dearest organizations",
                "Per hour: the part of each server's calls that they made, of that server's pods.",
                cost.by_organization(TOP, SELECT),
                f"{{{{{contract.LABEL_ORGANIZATION}}}}}",
            )._replace(kind=Kind.BARS),
            lines(
                "Tokens in the time shown",
                "Per model and type; multiply by the model's price. Empty without a model.",
                usage.tokens_in_range(SELECT),
                "{{model}} {{token_type}}",
            )._replace(kind=Kind.BARS, unit=Unit.COUNT, width=24),
        ),
    )


def cluster_panels() -> tuple[Panel, ...]:
    """How much of the whole."""
    return (
        lines(
            "Part of the cluster's cost",
            "That the chosen servers' pods are. The rest is other workloads, and what nobody uses.",
            cost.share_of_cluster(SELECT),
            "servers",
        )._replace(unit=Unit.SHARE, width=24, height=6),
    )


def lines(title: str, description: str, expression: str, legend: str) -> Panel:
    """A line panel of amounts per hour."""
    return Panel(title, description, Unit.AMOUNT, (Query(expression, legend),), CLUSTER_SCRAPE_SECONDS)
