"""The dashboard "MCP overview": is everything well, and if not, where to look. It has no choices: it shows all."""

from typing import Final

from meshed_mcp.components.alerts.burn_rate import BURN_RATES
from meshed_mcp.components.observability.dashboards.choices import (
    BUDGET_THRESHOLDS,
    BY_SERVER,
    CLUSTER_SCRAPE_SECONDS,
    RECORDED_SECONDS,
    SERVER_SCRAPE_SECONDS,
    error_thresholds,
)
from meshed_mcp.components.observability.dashboards.records import (
    Dashboard,
    Kind,
    Page,
    Panel,
    Query,
    Threshold,
    Unit,
)
from meshed_mcp.components.observability.prometheus.slo import Objective
from meshed_mcp.components.promql import health, load, traffic

WATCHDOG_THRESHOLDS: Final = (Threshold(120, "orange"), Threshold(300, "red"))
"""Four missed evaluations of 30 s, and when Prometheus itself calls a series stale."""


def overview_dashboard(objective: Objective) -> Dashboard:
    """One page for the whole cluster; a click on a server leads to its own."""
    return Dashboard(
        uid=Page.OVERVIEW,
        title="MCP overview",
        description="Health of all MCP servers: alerts, budgets, errors, and whether alerting itself works.",
        variables=(),
        panels=(*alerting_panels(), *budget_panels(), *traffic_panels(objective)),
    )


def alerting_panels() -> tuple[Panel, ...]:
    """What fires, and whether anything could."""
    return (
        Panel(
            title="Alerts that fire",
            description="Critical and warning alerts of the whole cluster, by name. Empty is well.",
            unit=Unit.COUNT,
            queries=(Query(health.firing_alerts(), "{{severity}} {{alertname}}"),),
            scrape_seconds=CLUSTER_SCRAPE_SECONDS,
            kind=Kind.BARS,
            width=16,
            thresholds=(Threshold(1, "orange"),),
        ),
        Panel(
            title="Watchdog last seen",
            description="Age of the alert that always fires. It grows, or is gone, when rules are not evaluated.",
            unit=Unit.SECONDS,
            queries=(Query(health.watchdog_age(), "ago"),),
            scrape_seconds=CLUSTER_SCRAPE_SECONDS,
            kind=Kind.NUMBER,
            width=8,
            thresholds=WATCHDOG_THRESHOLDS,
        ),
    )


def budget_panels() -> tuple[Panel, ...]:
    """How much may still go wrong, and how fast that shrinks."""
    left = {"errors": "Error budget left", "slow_calls": "Latency budget left"}
    fastest = BURN_RATES[0]
    return (
        *(
            Panel(
                title=title,
                description="Part of the budget that is left, per server; below 0 the objective is missed.",
                unit=Unit.SHARE,
                queries=(Query(health.budget_left(bad, health.EVERY_SERVER), BY_SERVER),),
                scrape_seconds=CLUSTER_SCRAPE_SECONDS,
                kind=Kind.BARS,
                width=8,
                thresholds=BUDGET_THRESHOLDS,
                below="red",
                lowest=None,
                leads_to=Page.SERVICES,
            )
            for bad, title in left.items()
        ),
        Panel(
            title="Error budget burned",
            description=f"Times faster than allowed, over {fastest.long}. At {fastest.factor:g} somebody is woken.",
            unit=Unit.COUNT,
            queries=(Query(health.burned("errors", fastest.long, health.EVERY_SERVER), BY_SERVER),),
            scrape_seconds=CLUSTER_SCRAPE_SECONDS,
            width=8,
            thresholds=(Threshold(1, "orange"), Threshold(fastest.factor, "red")),
            leads_to=Page.SERVICES,
        ),
    )


def traffic_panels(objective: Objective) -> tuple[Panel, ...]:
    """Who answers, what is called, what fails."""
    every = health.EVERY_SERVER
    return (
        Panel(
            title="Replicas that answer",
            description="Pods of each server that Prometheus reaches.",
            unit=Unit.COUNT,
            queries=(Query(load.drawn(load.ANSWERING, every), BY_SERVER),),
            scrape_seconds=SERVER_SCRAPE_SECONDS,
            width=8,
            leads_to=Page.SERVICES,
        ),
        Panel(
            title="Tool calls",
            description="Finished tools/call per second, per server.",
            unit=Unit.PER_SECOND,
            queries=(Query(traffic.call_rate(every), BY_SERVER),),
            scrape_seconds=RECORDED_SECONDS,
            width=8,
        ),
        Panel(
            title="Errors",
            description="Share of operations that failed by the server's fault. Lines: the default objective.",
            unit=Unit.SHARE,
            queries=(Query(traffic.error_share(every), BY_SERVER),),
            scrape_seconds=RECORDED_SECONDS,
            width=8,
            thresholds=error_thresholds(objective),
        ),
    )
