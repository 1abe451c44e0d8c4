"""The dashboard "MCP usage": which organization uses which tool, and tokens of models. Users are not in it."""

from meshed_mcp import contract
from meshed_mcp.components.observability.dashboards.choices import (
    BY_TOOL,
    CHOICES,
    RECORDED_SECONDS,
    SELECT,
    TOP,
)
from meshed_mcp.components.observability.dashboards.records import Dashboard, Kind, Page, Panel, Query, Unit
from meshed_mcp.components.promql import usage

BY_ORGANIZATION = f"{{{{{contract.LABEL_ORGANIZATION}}}}}"
BY_MODEL = "{{model}} {{token_type}}"


def usage_dashboard() -> Dashboard:
    """One page for the servers that are chosen; rankings are of the whole time that is shown."""
    return Dashboard(
        uid=Page.USAGE,
        title="MCP usage",
        description="Organizations, tools and tokens. Organizations are named by tokens, else by namespaces.",
        variables=CHOICES,
        panels=(*organization_panels(), *tool_panels(), *token_panels()),
    )


def organization_panels() -> tuple[Panel, ...]:
    """Who calls."""
    return (
        recorded(
            "Calls by organization",
            "Per second.",
            Unit.PER_SECOND,
            usage.calls_by_organization(SELECT),
            BY_ORGANIZATION,
        )._replace(width=16),
        recorded(
            "Organizations", "That called anything in the time shown.", Unit.COUNT, usage.organizations(SELECT), "all"
        )._replace(kind=Kind.NUMBER, width=8),
        ranking("Organizations with most calls", usage.top_organizations(TOP, SELECT), BY_ORGANIZATION),
        ranking("Organizations and their tools", usage.top_uses(TOP, SELECT), f"{BY_ORGANIZATION}: {BY_TOOL}"),
    )


def tool_panels() -> tuple[Panel, ...]:
    """What is called."""
    return (ranking("Tool ranking", usage.tool_ranking(TOP, SELECT), BY_TOOL)._replace(width=24),)


def token_panels() -> tuple[Panel, ...]:
    """What models were asked, as their endpoints reported it; empty without a model."""
    return (
        Panel(
            title="Tokens",
            description="Per second, per model and type, as the model's endpoint reports them. Empty without a model.",
            unit=Unit.PER_SECOND,
            queries=(Query(usage.tokens(SELECT), BY_MODEL),),
            scrape_seconds=RECORDED_SECONDS,
        ),
        Panel(
            title="Tokens in the time shown",
            description="Per model and type.",
            unit=Unit.COUNT,
            queries=(Query(usage.tokens_in_range(SELECT), BY_MODEL),),
            scrape_seconds=RECORDED_SECONDS,
            kind=Kind.BARS,
        ),
    )


def ranking(title: str, expression: str, legend: str) -> Panel:
    """Calls of the time shown, the most first."""
    text = "Tool calls in the time shown, extrapolated from recorded rates."
    return recorded(title, text, Unit.COUNT, expression, legend)._replace(kind=Kind.BARS)


def recorded(title: str, description: str, unit: Unit, expression: str, legend: str) -> Panel:
    """A panel of recorded series."""
    return Panel(title, description, unit, (Query(expression, legend),), RECORDED_SECONDS)
