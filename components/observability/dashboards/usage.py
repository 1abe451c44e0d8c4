"""The dashboard "MCP usage": calls by organization and tool, tokens of models. No panel identifies a user."""

from typing import Final

from meshed_mcp.components.observability.dashboards.records import Dashboard, Kind, Panel, Query, Uid, Unit
from meshed_mcp.components.observability.dashboards.shared import (
    BY_ORGANIZATION,
    BY_TOOL,
    RECORDED_SECONDS,
    SELECT,
    TOP,
    VARIABLES,
    panel,
)
from meshed_mcp.components.promql import usage

BY_MODEL = "{{model}} {{token_type}}"


def usage_dashboard() -> Dashboard:
    """The dashboard for the selected servers; rankings are over the whole time range."""
    panels = (*ORGANIZATION_PANELS, *tool_panels(), *TOKEN_PANELS)
    return Dashboard(
        uid=Uid.USAGE,
        title="MCP usage",
        description="Organizations, tools and tokens. An organization is a claim of the token, else the namespace.",
        variables=VARIABLES,
        panels=tuple(each._replace(scrape_seconds=RECORDED_SECONDS) for each in panels),
    )


def ranking(title: str, expression: str, legend: str) -> Panel:
    """Calls in the time range, highest first."""
    description = "Tool calls in the time range, extrapolated from recorded rates."
    return panel(title, description, Unit.COUNT, Query(expression, legend), kind=Kind.BAR_GAUGE)


ORGANIZATION_PANELS: Final = (
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
    ranking("Calls by organization and tool", usage.top_uses(TOP, SELECT), f"{BY_ORGANIZATION}: {BY_TOOL}"),
)


def tool_panels() -> tuple[Panel, ...]:
    """Calls by tool."""
    return (ranking("Most called tools", usage.tool_ranking(TOP, SELECT), BY_TOOL)._replace(width=24),)


TOKEN_PANELS: Final = (
    panel(
        "Token rate",
        "Tokens per second, per model and type, as the model's endpoint reports them. Empty without a model.",
        Unit.PER_SECOND,
        Query(usage.tokens(SELECT), BY_MODEL),
    ),
    panel(
        "Tokens in the time range",
        "Per model and type.",
        Unit.COUNT,
        Query(usage.tokens_in_range(SELECT), BY_MODEL),
        kind=Kind.BAR_GAUGE,
    ),
)
