"""The dashboard "MCP autoscaling": load, replicas, forecasts, recommended requests."""

from typing import Final

from meshed_mcp.components.observability.dashboards.records import Dashboard, Panel, Query, Threshold, Uid, Unit
from meshed_mcp.components.observability.dashboards.shared import (
    BY_SERVER,
    NAMESPACE,
    SELECT,
    SERVER,
    SERVER_SCRAPE_SECONDS,
    VARIABLES,
    panel,
)
from meshed_mcp.components.promql import autoscaling, forecast, load, selectors


def autoscaling_dashboard() -> Dashboard:
    """The dashboard for the selected servers; the forecast panels are empty where no forecast is recorded."""
    return Dashboard(
        uid=Uid.AUTOSCALING,
        title="MCP autoscaling",
        description="Load, replicas and forecasts of MCP servers.",
        variables=VARIABLES,
        panels=(*REPLICA_PANELS, *forecast_panels(), *resource_panels()),
    )


REPLICA_PANELS: Final = (
    panel(
        "Requests in flight",
        "In-flight and queued requests. The autoscaler divides them by in_flight_per_replica. Open listen streams "
        "do not count.",
        Unit.COUNT,
        Query(load.recorded_load(load.IN_FLIGHT, SELECT), BY_SERVER),
        Query(load.recorded_load(load.QUEUED, SELECT), f"{BY_SERVER} queued"),
        scrape_seconds=SERVER_SCRAPE_SECONDS,
    ),
    panel(
        "Desired and ready replicas",
        "Pods between desired and ready are starting or pending.",
        Unit.COUNT,
        Query(selectors.desired_replicas(NAMESPACE, SERVER), "{{deployment}} desired"),
        Query(selectors.ready_replicas(NAMESPACE, SERVER), "{{deployment}} ready"),
    ),
    panel(
        "Autoscaler bounds",
        "Desired, minimum and maximum replicas. An autoscaler that stays at its maximum needs a higher one.",
        Unit.COUNT,
        *(
            Query(autoscaling.hpa_replicas(which, NAMESPACE, SERVER), f"{{{{horizontalpodautoscaler}}}} {which}")
            for which in autoscaling.HPA_METRICS
        ),
    ),
)


def forecast_panels() -> tuple[Panel, ...]:
    """Forecast, its error and whether it is trusted."""
    series = autoscaling.forecast_series
    return (
        panel(
            "Forecast and load",
            "Peak load forecast up to the horizon, and the mean load of five minutes.",
            Unit.COUNT,
            Query(series(forecast.FORECAST, SELECT), f"{BY_SERVER} forecast"),
            Query(series(forecast.MEAN_5M, SELECT), f"{BY_SERVER} load"),
        ),
        panel(
            "Forecast trusted",
            "1 while the forecast may add replicas; 0 while its error is too large or too few earlier days are known.",
            Unit.COUNT,
            Query(autoscaling.forecast_trusted(SELECT), BY_SERVER),
        ),
        panel(
            "Forecast error",
            "Mean absolute error of a day relative to its mean load, and the ratio of the day in which the load was "
            "above the forecast.",
            Unit.RATIO,
            Query(series(forecast.WAPE, SELECT), f"{BY_SERVER} error"),
            Query(series(forecast.UNDERFORECAST, SELECT), f"{BY_SERVER} too low"),
            thresholds=(Threshold(1, "red"),),
        ),
    )


def resource_panels() -> tuple[Panel, ...]:
    """Recommended and current requests, where a VerticalPodAutoscaler exists."""
    return tuple(
        panel(
            f"{title} recommendation and request",
            "Of the server's container: VPA recommendation and largest current request. Excludes sidecars.",
            unit,
            Query(
                autoscaling.vpa_recommendation(resource, NAMESPACE, SERVER), "{{verticalpodautoscaler}} recommendation"
            ),
            Query(autoscaling.container_request(resource, NAMESPACE, SERVER), "{{container}} request"),
        )
        for resource, title, unit in (("cpu", "CPU", Unit.CORES), ("memory", "Memory", Unit.BYTES))
    )
