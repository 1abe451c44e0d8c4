"""The dashboards "MCP autoscaling" (load, replicas, forecasts) and "MCP capacity" (what remains, and its growth)."""

from typing import Final

from meshed_mcp.components.observability.dashboards.records import Dashboard, Panel, Query, Threshold, Uid, Unit
from meshed_mcp.components.observability.dashboards.shared import (
    BY_SERVER,
    NAMESPACE,
    RECORDED_SECONDS,
    SELECT,
    SERVER,
    SERVER_SCRAPE_SECONDS,
    VARIABLES,
    bar_gauge,
    of_runtime,
    panel,
)
from meshed_mcp.components.promql import autoscaling, capacity, forecast, load, selectors
from meshed_mcp.components.promql.autoscaling import forecast_series

RESOURCES: Final = (("cpu", "CPU", Unit.CORES), ("memory", "Memory", Unit.BYTES))

AUTOSCALING_PANELS: Final = (
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
        Query(selectors.replicas("desired", NAMESPACE, SERVER), "{{deployment}} desired"),
        Query(selectors.replicas("ready", NAMESPACE, SERVER), "{{deployment}} ready"),
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
    panel(
        "Forecast and load",
        "Peak load forecast up to the horizon, and the mean load of five minutes.",
        Unit.COUNT,
        Query(forecast_series(forecast.FORECAST, SELECT), f"{BY_SERVER} forecast"),
        Query(forecast_series(forecast.MEAN_5M, SELECT), f"{BY_SERVER} load"),
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
        Query(forecast_series(forecast.WAPE, SELECT), f"{BY_SERVER} error"),
        Query(forecast_series(forecast.UNDERFORECAST, SELECT), f"{BY_SERVER} too low"),
        thresholds=(Threshold(1, "red"),),
    ),
    *(
        panel(
            f"{title} recommendation and request",
            "Of the server's container: VPA recommendation and largest current request. Excludes sidecars.",
            unit,
            Query(
                autoscaling.vpa_recommendation(resource, NAMESPACE, SERVER), "{{verticalpodautoscaler}} recommendation"
            ),
            Query(autoscaling.container_request(resource, NAMESPACE, SERVER), "{{container}} request"),
        )
        for resource, title, unit in RESOURCES
    ),
)
AUTOSCALING: Final = Dashboard(
    uid=Uid.AUTOSCALING,
    description="Load, replicas and forecasts of MCP servers.",
    variables=VARIABLES,
    panels=AUTOSCALING_PANELS,
)
"""Panels of forecasts and recommendations are empty where there are none."""

SATURATION: Final = (Threshold(0.8, "orange"), Threshold(0.95, "red"))
"""Product rule: add capacity when a fifth is left."""

LOW_FREE_SPACE: Final = (Threshold(0, "orange"), Threshold(0.2, "green"))
PREDICTION: Final = f"In {capacity.DAYS_AHEAD} days, extrapolated from the last {capacity.PAST}."


def capacity_dashboard(namespace: str) -> Dashboard:
    """The dashboard for the selected servers, the nodes, and the volumes of monitoring in `namespace`."""
    return Dashboard(
        uid=Uid.CAPACITY,
        description="Remaining capacity and growth. Extrapolation ignores weekly patterns; see MCP autoscaling.",
        variables=VARIABLES,
        panels=(*CLUSTER_PANELS, free_space(namespace), *PROMETHEUS_PANELS),
    )


CLUSTER_PANELS: Final = (
    *of_runtime(
        panel(
            "Concurrency slots in use",
            "Of all replicas of a server. Requests beyond 100 % are queued.",
            Unit.RATIO,
            Query(load.recorded_load(load.SATURATION, SELECT), BY_SERVER),
            thresholds=SATURATION,
        )
    ),
    panel(
        "Desired replicas relative to the maximum",
        "At 100 % the autoscaler cannot add replicas.",
        Unit.RATIO,
        Query(capacity.desired_replicas_ratio(NAMESPACE, SERVER), "{{horizontalpodautoscaler}}"),
        thresholds=SATURATION,
    ),
    bar_gauge(
        "Growth of the operation rate",
        f"As a multiple of the current rate. {PREDICTION}",
        Unit.COUNT,
        Query(capacity.operations_growth(SELECT), BY_SERVER),
        scrape_seconds=RECORDED_SECONDS,
        thresholds=(Threshold(1.5, "orange"), Threshold(2, "red")),
    ),
    *(
        bar_gauge(
            f"{title} requested by servers",
            "Current resource requests, per container of their pods.",
            unit,
            Query(capacity.requested_by_server(resource, NAMESPACE, selectors.pods_of(SERVER)), "{{container}}"),
        )
        for resource, title, unit in RESOURCES
    ),
    panel(
        "Node resources requested",
        "Ratio of the allocatable CPU and memory of all nodes that pods request. At 100 % new pods stay pending.",
        Unit.RATIO,
        Query(f"max by (resource) ({capacity.REQUESTED_RATIO})", "{{resource}}"),
        thresholds=SATURATION,
    ),
)


def free_space(namespace: str) -> Panel:
    """Predicted free space of the volumes of monitoring, which may be negative."""
    query = Query(capacity.predicted_free_ratio(namespace), "{{persistentvolumeclaim}}")
    title = "Free space of monitoring volumes"
    found = bar_gauge(title, PREDICTION, Unit.RATIO, query, thresholds=LOW_FREE_SPACE)
    return found._replace(base_color="red", axis_min=None)


PROMETHEUS_PANELS: Final = (
    bar_gauge("Series in memory", PREDICTION, Unit.COUNT, Query(capacity.PREDICTED_SERIES, "{{pod}}")),
    panel(
        "Stored blocks",
        "Bytes of Prometheus' blocks on the volume.",
        Unit.BYTES,
        Query(capacity.BLOCK_BYTES, "{{pod}}"),
    ),
)
