"""PromQL of monitoring itself: what it costs, how much it holds, whether it keeps up.

In: the namespace of monitoring, a window. Out: PromQL text. Source: Prometheus' own metrics, cAdvisor, kubelet.
"""

from typing import Final

PERSISTED: Final = "persistentvolumeclaim"


def cpu_share(namespace: str, window: str) -> str:
    """Share, 0..1, of the CPU used by all containers of the cluster that monitoring uses."""
    cpu = "sum(rate(container_cpu_usage_seconds_total{{{}}}[{}]))"
    return f"{cpu.format(_of(namespace), window)} / {cpu.format(_of(), window)}"


def memory_share(namespace: str) -> str:
    """Share, 0..1, of the memory used by all containers of the cluster that monitoring uses."""
    memory = "sum(container_memory_working_set_bytes{{{}}})"
    return f"{memory.format(_of(namespace))} / {memory.format(_of())}"


def cpu_by_container(namespace: str, window: str) -> str:
    """CPU, cores, per container of `namespace`."""
    return f"sum by (container) (rate(container_cpu_usage_seconds_total{{{_of(namespace)}}}[{window}]))"


def memory_by_container(namespace: str) -> str:
    """Working set, bytes, per container of `namespace`."""
    return f"sum by (container) (container_memory_working_set_bytes{{{_of(namespace)}}})"


def head_series() -> str:
    """Series in memory, per Prometheus."""
    return "max by (pod) (prometheus_tsdb_head_series)"


def samples(window: str) -> str:
    """Samples per second that are stored, per Prometheus."""
    return f"sum by (pod) (rate(prometheus_tsdb_head_samples_appended_total[{window}]))"


def slowest_scrapes(count: int) -> str:
    """Seconds of the longest scrape of each of the `count` slowest jobs."""
    return f"topk({count}, max by (job) (scrape_duration_seconds))"


def largest_scrapes(count: int) -> str:
    """Samples per scrape, over all targets, of each of the `count` largest jobs."""
    return f"topk({count}, sum by (job) (scrape_samples_scraped))"


def unreachable_targets() -> str:
    """Targets that answer no scrape, per job."""
    return "count by (job) (up == 0)"


def rule_load() -> str:
    """Part of its interval, 0..1, that each group of rules took; at 1 it falls behind."""
    return "max by (rule_group) (prometheus_rule_group_last_duration_seconds / prometheus_rule_group_interval_seconds)"


def notifications_dropped(window: str) -> str:
    """Alerts per second that reached no Alertmanager."""
    return f"sum(rate(prometheus_notifications_dropped_total[{window}]))"


def volume_used_share(namespace: str) -> str:
    """Share, 0..1, of each volume of `namespace` that is full."""
    left, size = (
        f'min by ({PERSISTED}) (kubelet_volume_stats_{what}_bytes{{namespace="{namespace}"}})'
        for what in ("available", "capacity")
    )
    return f"1 - {left} / {size}"


def _of(namespace: str = "") -> str:
    return f'namespace="{namespace}",container!=""' if namespace else 'container!=""'
