"""The dashboard "MCP monitoring": what monitoring costs, and whether it keeps up."""

from typing import Final

from meshed_mcp.components.observability.dashboards.choices import CLUSTER_SCRAPE_SECONDS, RATE, TOP
from meshed_mcp.components.observability.dashboards.records import Dashboard, Kind, Page, Panel, Query, Threshold, Unit
from meshed_mcp.components.promql import monitoring

SHARE_THRESHOLDS: Final = (Threshold(0.02, "orange"), Threshold(0.05, "red"))
"""Product rule: monitoring uses less than 2 % of a cluster. A small cluster is always above it."""

FULL_THRESHOLDS: Final = (Threshold(0.8, "orange"), Threshold(0.9, "red"))
"""Blocks may fill 0.8 of the volume, the rest is head and write-ahead log. Source: Prometheus, "Storage"."""


def monitoring_dashboard(namespace: str) -> Dashboard:
    """One page for the monitoring that runs in `namespace`."""
    return Dashboard(
        uid=Page.MONITORING,
        title="MCP monitoring",
        description="Prometheus and its companions themselves: share of the cluster, size, scrapes, rules.",
        variables=(),
        panels=(*cost_panels(namespace), *size_panels(namespace), *work_panels()),
    )


def cost_panels(namespace: str) -> tuple[Panel, ...]:
    """What it uses."""
    shares = (
        Query(monitoring.cpu_share(namespace, RATE), "CPU"),
        Query(monitoring.memory_share(namespace), "memory"),
    )
    return (
        lines(
            "Share of the cluster", "Of what all containers use, monitoring uses this part.", Unit.SHARE, *shares
        )._replace(thresholds=SHARE_THRESHOLDS),
        lines(
            "CPU",
            "Per container of monitoring's namespace.",
            Unit.CORES,
            Query(monitoring.cpu_by_container(namespace, RATE), "{{container}}"),
        ),
        lines(
            "Memory",
            "Working set per container of monitoring's namespace.",
            Unit.BYTES,
            Query(monitoring.memory_by_container(namespace), "{{container}}"),
        ),
    )


def size_panels(namespace: str) -> tuple[Panel, ...]:
    """What it holds."""
    return (
        lines(
            "Volumes",
            "Part of each volume that is full.",
            Unit.SHARE,
            Query(monitoring.volume_used_share(namespace), "{{persistentvolumeclaim}}"),
        )._replace(thresholds=FULL_THRESHOLDS),
        lines(
            "Series in memory",
            "Of Prometheus' head. A jump is a label that takes too many values.",
            Unit.COUNT,
            Query(monitoring.head_series(), "{{pod}}"),
        ),
        lines(
            "Samples stored",
            "Per second.",
            Unit.PER_SECOND,
            Query(monitoring.samples(RATE), "{{pod}}"),
        ),
    )


def work_panels() -> tuple[Panel, ...]:
    """Whether it keeps up."""
    return (
        lines(
            "Slowest scrapes",
            "Longest scrape of each job; near its interval, samples are lost.",
            Unit.SECONDS,
            Query(monitoring.slowest_scrapes(TOP), "{{job}}"),
        ),
        lines(
            "Largest jobs",
            "Samples of one scrape of all targets, per job.",
            Unit.COUNT,
            Query(monitoring.largest_scrapes(TOP), "{{job}}"),
        )._replace(kind=Kind.BARS),
        lines(
            "Targets that do not answer",
            "Per job. Empty is well.",
            Unit.COUNT,
            Query(monitoring.unreachable_targets(), "{{job}}"),
        )._replace(kind=Kind.BARS, thresholds=(Threshold(1, "red"),)),
        lines(
            "Rules: part of their interval",
            "At 1 a group of rules falls behind.",
            Unit.SHARE,
            Query(monitoring.rule_load(), "{{rule_group}}"),
        )._replace(thresholds=(Threshold(0.2, "orange"), Threshold(1, "red"))),
        lines(
            "Alerts that reached nobody",
            "Per second that Prometheus could hand to no Alertmanager.",
            Unit.PER_SECOND,
            Query(monitoring.notifications_dropped(RATE), "dropped"),
        )._replace(thresholds=(Threshold(0.001, "red"),)),
    )


def lines(title: str, description: str, unit: Unit, *queries: Query) -> Panel:
    """A line panel of series that are scraped at the stack's interval."""
    return Panel(title, description, unit, queries, CLUSTER_SCRAPE_SECONDS)
