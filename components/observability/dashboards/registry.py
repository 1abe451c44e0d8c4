"""The dashboard "MCP registry": whether servers are found and can register."""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.observability.dashboards.choices import (
    BUDGET_THRESHOLDS,
    CHOICES,
    CLUSTER_SCRAPE_SECONDS,
    NAMESPACE,
    QUANTILES,
    RATE,
    SERVER_SCRAPE_SECONDS,
    error_thresholds,
    latency_thresholds,
    percentile,
)
from meshed_mcp.components.observability.dashboards.records import Dashboard, Kind, Page, Panel, Query, Unit
from meshed_mcp.components.observability.prometheus.slo import Objective
from meshed_mcp.components.promql import health, load, selectors
from meshed_mcp.components.promql import registry as registry_queries

SELECT: Final = selectors.selector(NAMESPACE, contract.REGISTRY_NAME, regex=True)


def registry_dashboard(objective: Objective) -> Dashboard:
    """The registry of one namespace; thresholds are those of its `objective`."""
    return Dashboard(
        uid=Page.REGISTRY,
        title="MCP registry",
        description="Requests, answers and content of the registry. It speaks plain HTTP, not MCP.",
        variables=CHOICES[:1],
        panels=(*request_panels(objective), *content_panels()),
    )


def request_panels(objective: Objective) -> tuple[Panel, ...]:
    """What clients and servers see."""
    return (
        lines(
            "Requests by route",
            "Per second, over all replicas.",
            Unit.PER_SECOND,
            Query(registry_queries.requests_by_route(SELECT, RATE), "{{http_request_method}} {{http_route}}"),
        ),
        lines(
            "Requests by answer",
            "Per second, per HTTP status.",
            Unit.PER_SECOND,
            Query(registry_queries.requests_by_status(SELECT, RATE), "{{http_response_status_code}}"),
        ),
        lines(
            "Errors",
            "Share of requests that the registry failed (5xx); lines: its objective.",
            Unit.SHARE,
            Query(registry_queries.failed_share(SELECT, RATE), "5xx"),
        )._replace(thresholds=error_thresholds(objective)),
        lines(
            "Latency",
            "Duration in the registry, over all routes; the line is what is promised.",
            Unit.SECONDS,
            *(
                Query(registry_queries.request_latency(quantile, SELECT, RATE), percentile(quantile), exemplars=True)
                for quantile in QUANTILES
            ),
        )._replace(thresholds=latency_thresholds(objective)),
    )


def content_panels() -> tuple[Panel, ...]:
    """What it knows, and on what it stands."""
    return (
        lines(
            "Servers and leases",
            "Servers in the database, and instances that keep up their lease.",
            Unit.COUNT,
            Query(registry_queries.known_servers(SELECT), "servers"),
            Query(registry_queries.leases(SELECT), "leases"),
        ),
        lines(
            "Servers forgotten",
            "Per second: the last lease ran out. Many at once point at the registry or the network, not at servers.",
            Unit.PER_SECOND,
            Query(registry_queries.expired(SELECT, RATE), "forgotten"),
        ),
        lines(
            "Replicas and their database",
            "Replicas that answer, and those of them whose database answers.",
            Unit.COUNT,
            Query(load.drawn(load.ANSWERING, SELECT), "answer"),
            Query(registry_queries.with_database(SELECT), "with database"),
        ),
        Panel(
            title="Budgets left",
            description="Part of the registry's budgets that is left; below 0 an objective is missed.",
            unit=Unit.SHARE,
            queries=(
                Query(health.budget_left("errors", SELECT), "errors"),
                Query(health.budget_left("slow_calls", SELECT), "slow requests"),
            ),
            scrape_seconds=CLUSTER_SCRAPE_SECONDS,
            kind=Kind.BARS,
            thresholds=BUDGET_THRESHOLDS,
            below="red",
            lowest=None,
        ),
    )


def lines(title: str, description: str, unit: Unit, *selectors: Query) -> Panel:
    """A line panel of the registry's own series."""
    return Panel(title, description, unit, selectors, SERVER_SCRAPE_SECONDS)
