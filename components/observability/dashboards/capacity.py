"""The dashboard "MCP capacity": what is left of places, replicas, nodes and volumes, and when it ends."""

from typing import Final

from meshed_mcp.components.observability.dashboards.choices import (
    BY_SERVER,
    CHOICES,
    CLUSTER_SCRAPE_SECONDS,
    NAMESPACE,
    RECORDED_SECONDS,
    SELECT,
    SERVER,
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
from meshed_mcp.components.promql import capacity, load, selectors

ALMOST_ALL: Final = (Threshold(0.8, "orange"), Threshold(0.95, "red"))
"""Product rule: a fifth left is where more is ordered."""

LITTLE_LEFT: Final = (Threshold(0, "orange"), Threshold(0.2, "green"))
GROWTH: Final = (Threshold(1.5, "orange"), Threshold(2, "red"))
AHEAD: Final = f"In {capacity.DAYS_AHEAD} days, on a straight line through the last {capacity.PAST}."


def capacity_dashboard(namespace: str) -> Dashboard:
    """One page: the servers that are chosen, the nodes, and the volumes of monitoring in `namespace`."""
    return Dashboard(
        uid=Page.CAPACITY,
        title="MCP capacity",
        description="What is left and how it grows. A line through hours knows no weekly rhythm: see MCP autoscaling.",
        variables=CHOICES,
        panels=(*server_panels(), *node_panels(), *monitoring_panels(namespace)),
    )


def server_panels() -> tuple[Panel, ...]:
    """Servers."""
    return (
        lines(
            "Places for calls taken",
            "Of all replicas of a server; above it calls wait.",
            Unit.SHARE,
            load.drawn(load.BUSY, SELECT),
            BY_SERVER,
        )._replace(thresholds=ALMOST_ALL),
        lines(
            "Replicas wanted, of the most allowed",
            "At 1 an autoscaler has nothing left to give.",
            Unit.SHARE,
            capacity.used_range(NAMESPACE, SERVER),
            "{{horizontalpodautoscaler}}",
        )._replace(thresholds=ALMOST_ALL),
        lines(
            "Growth of operations",
            f"Times today's rate. {AHEAD}",
            Unit.COUNT,
            capacity.growth(SELECT),
            BY_SERVER,
        )._replace(kind=Kind.BARS, thresholds=GROWTH, scrape_seconds=RECORDED_SECONDS),
        *(
            lines(
                f"{title} requested by servers",
                "Now, per container of their pods: what nodes must hold free for them.",
                unit,
                capacity.requested_by_server(resource, NAMESPACE, selectors.pods_of(SERVER)),
                "{{container}}",
            )._replace(kind=Kind.BARS)
            for resource, title, unit in (("cpu", "CPU", Unit.CORES), ("memory", "Memory", Unit.BYTES))
        ),
    )


def node_panels() -> tuple[Panel, ...]:
    """Nodes, all of the cluster."""
    return (
        Panel(
            title="Nodes requested",
            description="Part of what all nodes have that pods have requested; at 1 new pods wait for a node.",
            unit=Unit.SHARE,
            queries=(Query(capacity.requested_share(), "{{resource}}"),),
            scrape_seconds=CLUSTER_SCRAPE_SECONDS,
            thresholds=ALMOST_ALL,
        ),
    )


def monitoring_panels(namespace: str) -> tuple[Panel, ...]:
    """Monitoring itself."""
    left = lines(
        "Volumes of monitoring, free",
        AHEAD,
        Unit.SHARE,
        capacity.volume_left_ahead(namespace),
        "{{persistentvolumeclaim}}",
    )
    return (
        left._replace(kind=Kind.BARS, thresholds=LITTLE_LEFT, below="red", lowest=None),
        lines("Series in memory", AHEAD, Unit.COUNT, capacity.series_ahead(), "{{pod}}")._replace(kind=Kind.BARS),
        lines("Stored blocks", "Bytes on the volume.", Unit.BYTES, capacity.samples_in_blocks(), "{{pod}}"),
    )


def lines(title: str, description: str, unit: Unit, expression: str, legend: str) -> Panel:
    """A line panel of one query."""
    return Panel(title, description, unit, (Query(expression, legend),), CLUSTER_SCRAPE_SECONDS)
