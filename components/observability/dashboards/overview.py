"""The dashboard "MCP overview": firing alerts, error budgets and traffic of the whole cluster."""

from typing import Final

from meshed_mcp.components.alerts.burn_rate import BURN_RATES
from meshed_mcp.components.observability.dashboards.records import Dashboard, Kind, Panel, Query, Threshold, Uid, Unit
from meshed_mcp.components.observability.dashboards.shared import (
    BY_SERVER,
    RECORDED_SECONDS,
    SERVER_SCRAPE_SECONDS,
    bar_gauge,
    budget_panel,
    error_thresholds,
    panel,
    scraped_every,
)
from meshed_mcp.components.observability.prometheus.slo import Objective
from meshed_mcp.components.promql import health, load, traffic
from meshed_mcp.components.promql.health import ALL_SERVERS

WATCHDOG_THRESHOLDS: Final = (Threshold(120, "orange"), Threshold(300, "red"))
"""Four missed evaluations of 30 s, and Prometheus' staleness interval."""

FASTEST: Final = BURN_RATES[0]


def overview_dashboard(objective: Objective) -> Dashboard:
    """The dashboard for the whole cluster; a click on a server opens MCP services."""
    linked = (each._replace(links_to=Uid.SERVICES) for each in SERVER_PANELS)
    return Dashboard(
        uid=Uid.OVERVIEW,
        description="Health of all MCP servers and of alerting itself: alerts, error budgets, errors.",
        variables=(),
        panels=(*ALERTING_PANELS, *linked, *traffic_panels(objective)),
    )


ALERTING_PANELS: Final = (
    bar_gauge(
        "Firing alerts",
        "Critical and warning alerts of the whole cluster, by name. Empty means healthy.",
        Unit.COUNT,
        Query(health.FIRING_ALERTS, "{{severity}} {{alertname}}"),
        width=16,
        thresholds=(Threshold(1, "orange"),),
    ),
    panel(
        "Watchdog age",
        "Time since the alert that always fires was last seen. It grows, or is absent, if rules are not evaluated.",
        Unit.SECONDS,
        Query(health.WATCHDOG_AGE, "ago"),
        kind=Kind.STAT,
        width=8,
        thresholds=WATCHDOG_THRESHOLDS,
    ),
)


SERVER_PANELS: Final = (
    *(
        budget_panel(
            title,
            "Per server; below 0 the objective is missed.",
            Query(health.budget_remaining(bad, ALL_SERVERS), BY_SERVER),
            width=8,
        )
        for bad, title in (("errors", "Error budget remaining"), ("slow_calls", "Latency budget remaining"))
    ),
    panel(
        "Error budget burn rate",
        f"Over {FASTEST.long}; 1 uses exactly the budget. At {FASTEST.factor:g} a critical alert fires.",
        Unit.COUNT,
        Query(health.burn_rate("errors", FASTEST.long, ALL_SERVERS), BY_SERVER),
        width=8,
        thresholds=(Threshold(1, "orange"), Threshold(FASTEST.factor, "red")),
    ),
    panel(
        "Replicas up",
        "Pods of each server that Prometheus can scrape.",
        Unit.COUNT,
        Query(load.recorded_load(load.REPLICAS_UP, ALL_SERVERS), BY_SERVER),
        scrape_seconds=SERVER_SCRAPE_SECONDS,
        width=8,
    ),
)


def traffic_panels(objective: Objective) -> tuple[Panel, ...]:
    """Calls and errors."""
    return scraped_every(
        RECORDED_SECONDS,
        panel(
            "Tool calls",
            "Completed tools/call requests per second, per server. Of a server without the runtime: all responses.",
            Unit.PER_SECOND,
            Query(traffic.call_rate(ALL_SERVERS), BY_SERVER),
            width=8,
        ),
        panel(
            "Error ratio",
            "Ratio of operations that failed with a server error. Lines: the default objective.",
            Unit.RATIO,
            Query(traffic.error_ratio(ALL_SERVERS), BY_SERVER),
            width=8,
            thresholds=error_thresholds(objective),
        ),
    )
