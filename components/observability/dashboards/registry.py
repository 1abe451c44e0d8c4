"""The dashboard "MCP registry": requests, registered servers, leases, database."""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.observability.dashboards.records import Dashboard, Panel, Query, Uid, Unit
from meshed_mcp.components.observability.dashboards.shared import (
    NAMESPACE,
    QUANTILES,
    RATE,
    SERVER_SCRAPE_SECONDS,
    VARIABLES,
    budget_panel,
    error_thresholds,
    latency_thresholds,
    panel,
    percentile,
    scraped_every,
)
from meshed_mcp.components.observability.prometheus.slo import Objective
from meshed_mcp.components.promql import health, load, registry, selectors

SELECT: Final = selectors.selector(NAMESPACE, contract.REGISTRY_NAME, regex=True)


def registry_dashboard(objective: Objective) -> Dashboard:
    """The dashboard for the registry of a namespace, with the thresholds of its `objective`."""
    return Dashboard(
        uid=Uid.REGISTRY,
        description="Requests, responses and content of the registry, which serves plain HTTP, not MCP.",
        variables=VARIABLES[:1],
        panels=(*scraped_every(SERVER_SCRAPE_SECONDS, *request_panels(objective), *CONTENT_PANELS), BUDGETS),
    )


def request_panels(objective: Objective) -> tuple[Panel, ...]:
    """Requests of clients and servers."""
    return (
        panel(
            "Requests by route",
            "Per second, over all replicas.",
            Unit.PER_SECOND,
            Query(
                registry.requests("http_request_method, http_route", SELECT, RATE),
                "{{http_request_method}} {{http_route}}",
            ),
        ),
        panel(
            "Requests by status",
            "Per second, per HTTP status.",
            Unit.PER_SECOND,
            Query(registry.requests("http_response_status_code", SELECT, RATE), "{{http_response_status_code}}"),
        ),
        panel(
            "Error ratio",
            "Ratio of 5xx responses. Lines: the registry's objective.",
            Unit.RATIO,
            Query(registry.error_ratio(SELECT, RATE), "5xx"),
            thresholds=error_thresholds(objective),
        ),
        panel(
            "Latency",
            "Duration in the registry, over all routes. Line: the registry's objective.",
            Unit.SECONDS,
            *(
                Query(registry.request_latency(quantile, SELECT, RATE), percentile(quantile), exemplars=True)
                for quantile in QUANTILES
            ),
            thresholds=latency_thresholds(objective),
        ),
    )


CONTENT_PANELS: Final = (
    panel(
        "Servers and leases",
        "Registered servers, and instances with a valid lease.",
        Unit.COUNT,
        Query(registry.registered(contract.METRIC_REGISTRY_SERVERS, SELECT), "servers"),
        Query(registry.registered(contract.METRIC_REGISTRY_LEASES, SELECT), "leases"),
    ),
    panel(
        "Expired servers",
        "Servers per second whose last lease expired. Many at once indicate a problem of the registry or the "
        "network, not of the servers.",
        Unit.PER_SECOND,
        Query(registry.expired_servers(SELECT, RATE), "expired"),
    ),
    panel(
        "Replicas and database",
        "Replicas up, and replicas with a database connection.",
        Unit.COUNT,
        Query(load.recorded_load(load.REPLICAS_UP, SELECT), "up"),
        Query(registry.replicas_with_database(SELECT), "with database"),
    ),
)


BUDGETS: Final = budget_panel(
    "Budgets remaining",
    "Error and latency budget of the registry; below 0 an objective is missed.",
    Query(health.budget_remaining("errors", SELECT), "errors"),
    Query(health.budget_remaining("slow_calls", SELECT), "slow requests"),
)
