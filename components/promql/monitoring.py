"""PromQL of the monitoring stack itself: resource usage, storage, scrapes, rule evaluation.

Source: Prometheus' own metrics, cAdvisor, kubelet.
"""

from typing import Final

PERSISTED: Final = "persistentvolumeclaim"

HEAD_SERIES: Final = "max by (pod) (prometheus_tsdb_head_series)"
"""Series in memory, per Prometheus replica."""

TARGETS_DOWN: Final = "count by (job) (up == 0)"

RULE_EVALUATION_RATIO: Final = (
    "max by (rule_group) (prometheus_rule_group_last_duration_seconds / prometheus_rule_group_interval_seconds)"
)
"""Evaluation time of each rule group as a ratio of its interval; at 1 it falls behind."""


def cpu_ratio(namespace: str, window: str) -> str:
    """Ratio, 0..1, of the CPU usage of all containers that monitoring causes."""
    cpu = "sum(rate(container_cpu_usage_seconds_total{{{}}}[{}]))"
    return f"{cpu.format(_of(namespace), window)} / {cpu.format(_of(), window)}"


def memory_ratio(namespace: str) -> str:
    """Ratio, 0..1, of the memory usage of all containers that monitoring causes."""
    memory = "sum(container_memory_working_set_bytes{{{}}})"
    return f"{memory.format(_of(namespace))} / {memory.format(_of())}"


def cpu_by_container(namespace: str, window: str) -> str:
    """CPU, cores, per container of `namespace`."""
    return f"sum by (container) (rate(container_cpu_usage_seconds_total{{{_of(namespace)}}}[{window}]))"


def memory_by_container(namespace: str) -> str:
    """Working set, bytes, per container of `namespace`."""
    return f"sum by (container) (container_memory_working_set_bytes{{{_of(namespace)}}})"


def ingested_samples(window: str) -> str:
    """Ingested samples per second, per Prometheus replica."""
    return f"sum by (pod) (rate(prometheus_tsdb_head_samples_appended_total[{window}]))"


def slowest_scrapes(count: int) -> str:
    """Longest scrape, seconds, of each of the `count` slowest jobs."""
    return f"topk({count}, max by (job) (scrape_duration_seconds))"


def largest_scrapes(count: int) -> str:
    """Samples per scrape, over all targets, of each of the `count` largest jobs."""
    return f"topk({count}, sum by (job) (scrape_samples_scraped))"


def notifications_dropped(window: str) -> str:
    """Alerts per second that Prometheus could not send to any Alertmanager."""
    return f"sum(rate(prometheus_notifications_dropped_total[{window}]))"


def volume_used_ratio(namespace: str) -> str:
    """Usage ratio, 0..1, of each volume of `namespace`."""
    free, size = (
        f'min by ({PERSISTED}) (kubelet_volume_stats_{what}_bytes{{namespace="{namespace}"}})'
        for what in ("available", "capacity")
    )
    return f"1 - {free} / {size}"


def _of(namespace: str = "") -> str:
    return f'namespace="{namespace}",container!=""' if namespace else 'container!=""'
