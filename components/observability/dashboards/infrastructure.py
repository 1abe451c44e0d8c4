"""The dashboard "MCP infrastructure": nodes, volumes and pods that are not running, of the whole cluster."""

from typing import Final

from meshed_mcp.components.observability.dashboards.records import Dashboard, Kind, Panel, Query, Threshold, Uid, Unit
from meshed_mcp.components.observability.dashboards.shared import NEARLY_FULL, RATE, TOP, panel
from meshed_mcp.components.promql import infrastructure

NODE: Final = "{{instance}}"
NONZERO: Final = (Threshold(1, "orange"),)


def infrastructure_dashboard() -> Dashboard:
    """The dashboard for the whole cluster; the chart's own dashboards show single nodes and pods."""
    return Dashboard(
        uid=Uid.INFRASTRUCTURE,
        title="MCP infrastructure",
        description="Nodes and volumes. For single nodes, pods and namespaces see the Kubernetes dashboards.",
        variables=(),
        panels=(*node_panels(), *STORAGE_PANELS, *pod_panels()),
    )


def node_panels() -> tuple[Panel, ...]:
    """The busiest nodes."""
    states = {"true": "ready", "false": "not ready", "unknown": "unknown"}
    return (
        panel(
            "Nodes",
            "By their condition Ready.",
            Unit.COUNT,
            *(Query(infrastructure.nodes(value), name) for value, name in states.items()),
        ),
        panel(
            "Node CPU usage",
            "The busiest nodes.",
            Unit.RATIO,
            Query(infrastructure.cpu_used(TOP, RATE), NODE),
            thresholds=NEARLY_FULL,
        ),
        panel(
            "Node memory usage",
            "The fullest nodes. Near 100 % the kernel kills processes.",
            Unit.RATIO,
            Query(infrastructure.memory_used(TOP), NODE),
            thresholds=NEARLY_FULL,
        ),
        panel(
            "Node network traffic",
            "The busiest nodes, without traffic inside a node.",
            Unit.BYTES_PER_SECOND,
            *(
                Query(infrastructure.network(direction, TOP, RATE), f"{NODE} {name}")
                for direction, name in (("receive", "in"), ("transmit", "out"))
            ),
        ),
    )


STORAGE_PANELS: Final = (
    panel(
        "Node disk usage",
        "The fullest disk of each node. Above 85 % the kubelet evicts pods.",
        Unit.RATIO,
        Query(infrastructure.disk_used(TOP), NODE),
        kind=Kind.BAR_GAUGE,
        thresholds=NEARLY_FULL,
    ),
    panel(
        "Volume usage",
        "The fullest volumes of all namespaces.",
        Unit.RATIO,
        Query(infrastructure.volumes_used(TOP), "{{namespace}} {{persistentvolumeclaim}}"),
        kind=Kind.BAR_GAUGE,
        thresholds=NEARLY_FULL,
    ),
)


def pod_panels() -> tuple[Panel, ...]:
    """Pods that are not running."""
    shown = (
        (
            "Pods not running",
            "Pending, failed, or on an unreachable node. Empty means healthy.",
            Query(infrastructure.pods_not_running(), "{{namespace}} {{phase}}"),
        ),
        (
            "Waiting containers",
            "By reason, such as ImagePullBackOff or CrashLoopBackOff. Empty means healthy.",
            Query(infrastructure.waiting_containers(), "{{namespace}} {{reason}}"),
        ),
        (
            "Restarts in an hour",
            "Pods with the most restarts. Empty means healthy.",
            Query(infrastructure.restarts(TOP, "1h"), "{{namespace}} {{pod}}"),
        ),
    )
    return tuple(
        panel(title, description, Unit.COUNT, query, kind=Kind.BAR_GAUGE, width=8, thresholds=NONZERO)
        for title, description, query in shown
    )
