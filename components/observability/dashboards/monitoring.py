"""The dashboard "MCP monitoring": resource usage, storage, scrapes and rules of the monitoring stack itself."""

from typing import Final

from meshed_mcp.components.observability.dashboards.records import Dashboard, Kind, Panel, Query, Threshold, Uid, Unit
from meshed_mcp.components.observability.dashboards.shared import NEARLY_FULL, RATE, TOP, panel
from meshed_mcp.components.promql import monitoring

USAGE_THRESHOLDS: Final = (Threshold(0.02, "orange"), Threshold(0.05, "red"))
"""Product rule: monitoring uses less than 2 % of a cluster. A small cluster is always above it."""


def monitoring_dashboard(namespace: str) -> Dashboard:
    """The dashboard for the monitoring stack in `namespace`."""
    return Dashboard(
        uid=Uid.MONITORING,
        title="MCP monitoring",
        description="The monitoring stack itself: share of the cluster, size, scrapes, rules.",
        variables=(),
        panels=(*resource_panels(namespace), *storage_panels(namespace), *OPERATION_PANELS),
    )


def resource_panels(namespace: str) -> tuple[Panel, ...]:
    """Resource usage."""
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
    )


def storage_panels(namespace: str) -> tuple[Panel, ...]:
    """Volumes and series."""
    return (
        panel(
            "Volume usage",
            "Per volume of the monitoring namespace.",
            Unit.RATIO,
            Query(monitoring.volume_used_ratio(namespace), "{{persistentvolumeclaim}}"),
            thresholds=NEARLY_FULL,
        ),
        panel(
            "Series in memory",
            "In Prometheus' head. A jump indicates a label with too many values.",
            Unit.COUNT,
            Query(monitoring.head_series(), "{{pod}}"),
        ),
        panel("Ingested samples", "Per second.", Unit.PER_SECOND, Query(monitoring.ingested_samples(RATE), "{{pod}}")),
    )


OPERATION_PANELS: Final = (
    panel(
        "Slowest scrapes",
        "Longest scrape per job. Near the scrape interval, samples are lost.",
        Unit.SECONDS,
        Query(monitoring.slowest_scrapes(TOP), "{{job}}"),
    ),
    panel(
        "Largest scrape jobs",
        "Samples of one scrape of all targets, per job.",
        Unit.COUNT,
        Query(monitoring.largest_scrapes(TOP), "{{job}}"),
        kind=Kind.BAR_GAUGE,
    ),
    panel(
        "Targets down",
        "Per job. Empty means healthy.",
        Unit.COUNT,
        Query(monitoring.targets_down(), "{{job}}"),
        kind=Kind.BAR_GAUGE,
        thresholds=(Threshold(1, "red"),),
    ),
    panel(
        "Rule evaluation time",
        "Per rule group, relative to its interval. At 100 % the group falls behind.",
        Unit.RATIO,
        Query(monitoring.rule_evaluation_ratio(), "{{rule_group}}"),
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
