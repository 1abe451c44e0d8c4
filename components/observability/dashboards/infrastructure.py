"""The dashboard "MCP infrastructure": nodes, volumes and pods that do not run. It has no choices: it shows all."""

from typing import Final

from meshed_mcp.components.observability.dashboards.choices import CLUSTER_SCRAPE_SECONDS, RATE, TOP
from meshed_mcp.components.observability.dashboards.records import Dashboard, Kind, Page, Panel, Query, Threshold, Unit
from meshed_mcp.components.promql import infrastructure

ALMOST_FULL: Final = (Threshold(0.8, "orange"), Threshold(0.9, "red"))
NODE: Final = "{{instance}}"
ANY: Final = (Threshold(1, "orange"),)


def infrastructure_dashboard() -> Dashboard:
    """One page for the whole cluster; the chart's own pages show single nodes and pods."""
    return Dashboard(
        uid=Page.INFRASTRUCTURE,
        title="MCP infrastructure",
        description="What servers stand on. Single nodes, pods and namespaces: the Kubernetes pages of the chart.",
        variables=(),
        panels=(*node_panels(), *storage_panels(), *pod_panels()),
    )


def node_panels() -> tuple[Panel, ...]:
    """Nodes: the busiest, for all of hundreds show nothing."""
    states = {"true": "ready", "false": "not ready", "unknown": "silent"}
    return (
        lines(
            "Nodes",
            "By what they last said of themselves.",
            Unit.COUNT,
            *(Query(infrastructure.nodes(value), name) for value, name in states.items()),
        ),
        lines(
            "CPU of nodes", "Part in use, the busiest.", Unit.SHARE, Query(infrastructure.cpu_used(TOP, RATE), NODE)
        )._replace(thresholds=ALMOST_FULL),
        lines(
            "Memory of nodes",
            "Part that is not available, the fullest. Near 1 the kernel ends processes.",
            Unit.SHARE,
            Query(infrastructure.memory_used(TOP), NODE),
        )._replace(thresholds=ALMOST_FULL),
        lines(
            "Network of nodes",
            "Bytes per second, the busiest, without what stays on the node.",
            Unit.BYTES_PER_SECOND,
            *(
                Query(infrastructure.network(direction, TOP, RATE), f"{NODE} {name}")
                for direction, name in (("receive", "in"), ("transmit", "out"))
            ),
        ),
    )


def storage_panels() -> tuple[Panel, ...]:
    """Disks and volumes."""
    return (
        lines(
            "Disks of nodes",
            "Part that is full, of each node's fullest. Above 0.85 the kubelet ends pods.",
            Unit.SHARE,
            Query(infrastructure.disk_used(TOP), NODE),
        )._replace(kind=Kind.BARS, thresholds=ALMOST_FULL),
        lines(
            "Volumes",
            "Part that is full, the fullest of all namespaces.",
            Unit.SHARE,
            Query(infrastructure.volumes_used(TOP), "{{namespace}} {{persistentvolumeclaim}}"),
        )._replace(kind=Kind.BARS, thresholds=ALMOST_FULL),
    )


def pod_panels() -> tuple[Panel, ...]:
    """What does not run."""
    return (
        lines(
            "Pods that do not run",
            "Waiting for a node, failed, or on a node that is gone. Empty is well.",
            Unit.COUNT,
            Query(infrastructure.pods_that_do_not_run(), "{{namespace}} {{phase}}"),
        )._replace(kind=Kind.BARS, thresholds=ANY, width=8),
        lines(
            "Containers that wait",
            "By reason: no image, a crash before, a Secret that is not there. Empty is well.",
            Unit.COUNT,
            Query(infrastructure.waiting_containers(), "{{namespace}} {{reason}}"),
        )._replace(kind=Kind.BARS, thresholds=ANY, width=8),
        lines(
            "Restarts in an hour",
            "Pods with most. Empty is well.",
            Unit.COUNT,
            Query(infrastructure.restarts(TOP, "1h"), "{{namespace}} {{pod}}"),
        )._replace(kind=Kind.BARS, thresholds=ANY, width=8),
    )


def lines(title: str, description: str, unit: Unit, *queries: Query) -> Panel:
    """A line panel of series that are scraped at the stack's interval."""
    return Panel(title, description, unit, queries, CLUSTER_SCRAPE_SECONDS)
