"""The dashboard "MCP capacity": remaining concurrency slots, replicas, node resources and volumes, and their growth."""

from typing import Final

from meshed_mcp.components.observability.dashboards.records import Dashboard, Kind, Panel, Query, Threshold, Uid, Unit
from meshed_mcp.components.observability.dashboards.shared import (
    BY_SERVER,
    NAMESPACE,
    RECORDED_SECONDS,
    SELECT,
    SERVER,
    VARIABLES,
    panel,
)
from meshed_mcp.components.promql import capacity, load, selectors

SATURATION: Final = (Threshold(0.8, "orange"), Threshold(0.95, "red"))
"""Product rule: add capacity when a fifth is left."""

LOW_FREE_SPACE: Final = (Threshold(0, "orange"), Threshold(0.2, "green"))
GROWTH: Final = (Threshold(1.5, "orange"), Threshold(2, "red"))
PREDICTION: Final = f"In {capacity.DAYS_AHEAD} days, extrapolated from the last {capacity.PAST}."


def capacity_dashboard(namespace: str) -> Dashboard:
    """The dashboard for the selected servers, the nodes, and the volumes of monitoring in `namespace`."""
    return Dashboard(
        uid=Uid.CAPACITY,
        title="MCP capacity",
        description="Remaining capacity and growth. Extrapolation ignores weekly patterns; see MCP autoscaling.",
        variables=VARIABLES,
        panels=(*SERVER_PANELS, *CLUSTER_PANELS, *monitoring_panels(namespace)),
    )


SERVER_PANELS: Final = (
    panel(
        "Concurrency slots in use",
        "Of all replicas of a server. Requests beyond 100 % are queued.",
        Unit.RATIO,
        Query(load.recorded_load(load.SATURATION, SELECT), BY_SERVER),
        thresholds=SATURATION,
    ),
    panel(
        "Desired replicas relative to the maximum",
        "At 100 % the autoscaler cannot add replicas.",
        Unit.RATIO,
        Query(capacity.desired_replicas_ratio(NAMESPACE, SERVER), "{{horizontalpodautoscaler}}"),
        thresholds=SATURATION,
    ),
    panel(
        "Growth of the operation rate",
        f"As a multiple of the current rate. {PREDICTION}",
        Unit.COUNT,
        Query(capacity.operations_growth(SELECT), BY_SERVER),
        kind=Kind.BAR_GAUGE,
        scrape_seconds=RECORDED_SECONDS,
        thresholds=GROWTH,
    ),
    *(
        panel(
            f"{title} requested by servers",
            "Current resource requests, per container of their pods.",
            unit,
            Query(capacity.requested_by_server(resource, NAMESPACE, selectors.pods_of(SERVER)), "{{container}}"),
            kind=Kind.BAR_GAUGE,
        )
        for resource, title, unit in (("cpu", "CPU", Unit.CORES), ("memory", "Memory", Unit.BYTES))
    ),
)


CLUSTER_PANELS: Final = (
    panel(
        "Node resources requested",
        "Ratio of the allocatable CPU and memory of all nodes that pods request. At 100 % new pods stay pending.",
        Unit.RATIO,
        Query(capacity.requested_ratio(), "{{resource}}"),
        thresholds=SATURATION,
    ),
)


def monitoring_panels(namespace: str) -> tuple[Panel, ...]:
    """The monitoring stack itself."""
    volumes = Query(capacity.predicted_free_ratio(namespace), "{{persistentvolumeclaim}}")
    return (
        panel(
            "Free space of monitoring volumes",
            PREDICTION,
            Unit.RATIO,
            volumes,
            kind=Kind.BAR_GAUGE,
            thresholds=LOW_FREE_SPACE,
        )._replace(base_color="red", axis_min=None),
        panel(
            "Series in memory",
            PREDICTION,
            Unit.COUNT,
            Query(capacity.predicted_series(), "{{pod}}"),
            kind=Kind.BAR_GAUGE,
        ),
        panel(
            "Stored blocks",
            "Bytes of Prometheus' blocks on the volume.",
            Unit.BYTES,
            Query(capacity.block_bytes(), "{{pod}}"),
        ),
    )
