"""The dashboard "MCP autoscaling": what was asked, what was forecast, what the autoscalers made of it."""

from meshed_mcp.components.observability.dashboards.choices import (
    BY_SERVER,
    CHOICES,
    CLUSTER_SCRAPE_SECONDS,
    NAMESPACE,
    SELECT,
    SERVER,
    SERVER_SCRAPE_SECONDS,
)
from meshed_mcp.components.observability.dashboards.records import Dashboard, Page, Panel, Query, Threshold, Unit
from meshed_mcp.components.promql import autoscaling as scaling_queries
from meshed_mcp.components.promql import forecast, load, selectors


def autoscaling_dashboard() -> Dashboard:
    """One page for the servers that are chosen; the forecast's panels are empty where nothing is forecast."""
    return Dashboard(
        uid=Page.AUTOSCALING,
        title="MCP autoscaling",
        description="Load, replicas and forecasts of MCP servers.",
        variables=CHOICES,
        panels=(*replica_panels(), *forecast_panels(), *size_panels()),
    )


def replica_panels() -> tuple[Panel, ...]:
    """Load, and the replicas for it."""
    bounds = {"desired": "wants", "max": "at most", "min": "at least"}
    return (
        Panel(
            title="Calls in work and waiting",
            description="The autoscaler divides this by in_flight_per_replica. Open listen streams do not count.",
            unit=Unit.COUNT,
            queries=(
                Query(load.drawn(load.IN_FLIGHT, SELECT), BY_SERVER),
                Query(load.drawn(load.WAITING, SELECT), f"{BY_SERVER} waiting"),
            ),
            scrape_seconds=SERVER_SCRAPE_SECONDS,
        ),
        Panel(
            title="Replicas wanted and ready",
            description="The gap is pods that start, or have no node.",
            unit=Unit.COUNT,
            queries=(
                Query(selectors.wanted_replicas(NAMESPACE, SERVER), "{{deployment}} wanted"),
                Query(selectors.ready_replicas(NAMESPACE, SERVER), "{{deployment}} ready"),
            ),
            scrape_seconds=CLUSTER_SCRAPE_SECONDS,
        ),
        Panel(
            title="Autoscaler and its bounds",
            description="An autoscaler that wants its most for long is too small, or its server too slow.",
            unit=Unit.COUNT,
            queries=tuple(
                Query(scaling_queries.autoscaler(which, NAMESPACE, SERVER), f"{{{{horizontalpodautoscaler}}}} {says}")
                for which, says in bounds.items()
            ),
            scrape_seconds=CLUSTER_SCRAPE_SECONDS,
        ),
    )


def size_panels() -> tuple[Panel, ...]:
    """What replicas should request, where there is a VerticalPodAutoscaler."""
    return tuple(
        Panel(
            title=f"{title} recommended and requested",
            description="Of the server's container, beside the largest request that runs. Sidecars are sized apart.",
            unit=unit,
            queries=(
                Query(
                    scaling_queries.recommended(resource, NAMESPACE, SERVER), "{{verticalpodautoscaler}} recommended"
                ),
                Query(scaling_queries.requested(resource, NAMESPACE, SERVER), "{{container}} requested"),
            ),
            scrape_seconds=CLUSTER_SCRAPE_SECONDS,
        )
        for resource, title, unit in (("cpu", "CPU", Unit.CORES), ("memory", "Memory", Unit.BYTES))
    )


def forecast_panels() -> tuple[Panel, ...]:
    """What was expected, and whether it may be believed."""
    series = scaling_queries.forecast_series
    return (
        Panel(
            title="Forecast and load",
            description="The peak expected until the horizon, beside the mean load of five minutes.",
            unit=Unit.COUNT,
            queries=(
                Query(series(forecast.FORECAST, SELECT), f"{BY_SERVER} forecast"),
                Query(series(forecast.MEAN_5M, SELECT), f"{BY_SERVER} load"),
            ),
            scrape_seconds=CLUSTER_SCRAPE_SECONDS,
        ),
        Panel(
            title="Forecast trusted",
            description="1 while the forecast may add replicas, 0 while it is only recorded: its error is too large, "
            "or too few earlier days are known.",
            unit=Unit.COUNT,
            queries=(Query(scaling_queries.trusted(SELECT), BY_SERVER),),
            scrape_seconds=CLUSTER_SCRAPE_SECONDS,
        ),
        Panel(
            title="Error of the forecast",
            description="Mean absolute error of a day as a share of its mean load, and the share of the day in which "
            "more came than was forecast.",
            unit=Unit.SHARE,
            queries=(
                Query(series(forecast.WAPE, SELECT), f"{BY_SERVER} error"),
                Query(series(forecast.UNDERFORECAST, SELECT), f"{BY_SERVER} too low"),
            ),
            scrape_seconds=CLUSTER_SCRAPE_SECONDS,
            thresholds=(Threshold(1, "red"),),
        ),
    )
