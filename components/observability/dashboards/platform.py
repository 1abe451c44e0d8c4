"""The dashboards "MCP infrastructure" (nodes, volumes, pods that are not running) and "MCP monitoring" (the stack)."""

from typing import Final

from meshed_mcp.components.observability.dashboards.records import Dashboard, Panel, Query, Threshold, Uid, Unit
from meshed_mcp.components.observability.dashboards.shared import NEARLY_FULL, RATE, TOP, bar_gauge, panel
from meshed_mcp.components.promql import infrastructure, monitoring

NODE: Final = "{{instance}}"
USAGE_THRESHOLDS: Final = (Threshold(0.02, "orange"), Threshold(0.05, "red"))
"""Product rule: monitoring uses less than 2 % of a cluster. A small cluster is always above it."""


def not_running(title: str, description: str, expression: str, legend: str) -> Panel:
    """Pods that are not running; empty means healthy."""
    query, thresholds = Query(expression, f"{{{{namespace}}}} {legend}"), (Threshold(1, "orange"),)
    return bar_gauge(title, f"{description} Empty means healthy.", Unit.COUNT, query, width=8, thresholds=thresholds)


INFRASTRUCTURE_PANELS: Final = (
    panel(
        "Nodes",
        "By their condition Ready.",
        Unit.COUNT,
        Query(infrastructure.nodes("true"), "ready"),
        Query(infrastructure.nodes("false"), "not ready"),
        Query(infrastructure.nodes("unknown"), "unknown"),
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
        Query(infrastructure.network("receive", TOP, RATE), f"{NODE} in"),
        Query(infrastructure.network("transmit", TOP, RATE), f"{NODE} out"),
    ),
    bar_gauge(
        "Node disk usage",
        "The fullest disk of each node. Above 85 % the kubelet evicts pods.",
        Unit.RATIO,
        Query(infrastructure.disk_used(TOP), NODE),
        thresholds=NEARLY_FULL,
    ),
    bar_gauge(
        "Volume usage",
        "The fullest volumes of all namespaces.",
        Unit.RATIO,
        Query(infrastructure.volumes_used(TOP), "{{namespace}} {{persistentvolumeclaim}}"),
        thresholds=NEARLY_FULL,
    ),
    not_running(
        "Pods not running",
        "Pending, failed, or on an unreachable node.",
        infrastructure.PODS_NOT_RUNNING,
        "{{phase}}",
    ),
    not_running(
        "Waiting containers",
        "By reason, such as ImagePullBackOff or CrashLoopBackOff.",
        infrastructure.WAITING_CONTAINERS,
        "{{reason}}",
    ),
    not_running("Restarts in an hour", "Pods with the most restarts.", infrastructure.restarts(TOP, "1h"), "{{pod}}"),
)
INFRASTRUCTURE: Final = Dashboard(
    uid=Uid.INFRASTRUCTURE,
    description="Nodes and volumes. For single nodes, pods and namespaces see the Kubernetes dashboards.",
    variables=(),
    panels=INFRASTRUCTURE_PANELS,
)
"""For the whole cluster; the chart's own dashboards show single nodes and pods."""


def monitoring_dashboard(namespace: str) -> Dashboard:
    """The dashboard for the monitoring stack in `namespace`."""
    return Dashboard(
        uid=Uid.MONITORING,
        description="The monitoring stack itself: share of the cluster, size, scrapes, rules.",
        variables=(),
        panels=(*usage_panels(namespace), *OPERATION_PANELS),
    )


def usage_panels(namespace: str) -> tuple[Panel, ...]:
    """Resource usage and volumes."""
    return (
        panel(
            "Share of the cluster",
            "Ratio of the CPU and memory usage of all containers that monitoring causes.",
            Unit.RATIO,
            Query(monitoring.cpu_ratio(namespace, RATE), "CPU"),
            Query(monitoring.memory_ratio(namespace), "memory"),
            thresholds=USAGE_THRESHOLDS,
        ),
        panel(
            "CPU",
            "Per container of the monitoring namespace.",
            Unit.CORES,
            Query(monitoring.cpu_by_container(namespace, RATE), "{{container}}"),
        ),
        panel(
            "Memory",
            "Working set, per container of the monitoring namespace.",
            Unit.BYTES,
            Query(monitoring.memory_by_container(namespace), "{{container}}"),
        ),
        panel(
            "Volume usage",
            "Per volume of the monitoring namespace.",
            Unit.RATIO,
            Query(monitoring.volume_used_ratio(namespace), "{{persistentvolumeclaim}}"),
            thresholds=NEARLY_FULL,
        ),
    )


OPERATION_PANELS: Final = (
    panel(
        "Series in memory",
        "In Prometheus' head. A jump indicates a label with too many values.",
        Unit.COUNT,
        Query(monitoring.HEAD_SERIES, "{{pod}}"),
    ),
    panel("Ingested samples", "Per second.", Unit.PER_SECOND, Query(monitoring.ingested_samples(RATE), "{{pod}}")),
    panel(
        "Slowest scrapes",
        "Longest scrape per job. Near the scrape interval, samples are lost.",
        Unit.SECONDS,
        Query(monitoring.slowest_scrapes(TOP), "{{job}}"),
    ),
    bar_gauge(
        "Largest scrape jobs",
        "Samples of one scrape of all targets, per job.",
        Unit.COUNT,
        Query(monitoring.largest_scrapes(TOP), "{{job}}"),
    ),
    bar_gauge(
        "Targets down",
        "Per job. Empty means healthy.",
        Unit.COUNT,
        Query(monitoring.TARGETS_DOWN, "{{job}}"),
        thresholds=(Threshold(1, "red"),),
    ),
    panel(
        "Rule evaluation time",
        "Per rule group, relative to its interval. At 100 % the group falls behind.",
        Unit.RATIO,
        Query(monitoring.RULE_EVALUATION_RATIO, "{{rule_group}}"),
        thresholds=(Threshold(0.2, "orange"), Threshold(1, "red")),
    ),
    panel(
        "Dropped notifications",
        "Alerts per second that Prometheus could not send to any Alertmanager.",
        Unit.PER_SECOND,
        Query(monitoring.notifications_dropped(RATE), "dropped"),
        thresholds=(Threshold(0.001, "red"),),
    ),
)
