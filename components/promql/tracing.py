"""PromQL of the alerts on remote write, OpenTelemetry Collectors and Jaeger's storage.

Source of the names: Prometheus' own metrics; a real
collector of release 0.158, which shows counters without `_total` (tests/engines/test_collector.py).
"""

from typing import Final

from meshed_mcp.components.promql.selectors import PromQL

REFUSED: Final = "otelcol_receiver_refused_spans"
FAILED: Final = "otelcol_exporter_send_failed_spans"
QUEUE_SIZE: Final = "otelcol_exporter_queue_size"
QUEUE_CAPACITY: Final = "otelcol_exporter_queue_capacity"
DROPPED_TOO_EARLY: Final = "otelcol_processor_tail_sampling_sampling_trace_dropped_too_early"
"""Jaeger is an OpenTelemetry Collector and exposes the same metrics."""

STORAGE: Final = "jaeger_storage_requests_total"
"""Reads of Jaeger's storage. Source: Jaeger, monitoring/jaeger-mixin; failed writes count as FAILED."""

HIGHEST_SCRAPED: Final = "prometheus_remote_storage_highest_timestamp_in_seconds"
HIGHEST_SENT: Final = "prometheus_remote_storage_queue_highest_sent_timestamp_seconds"

BY_SERVICE: Final = "by (namespace, service)"
"""`service` is otel-agent, otel-gateway or jaeger."""


def remote_write_delay(threshold: float) -> PromQL:
    """Seconds by which sent samples lag behind scraped samples, per remote endpoint."""
    newest, sent = (f"max_over_time({name}[5m])" for name in (HIGHEST_SCRAPED, HIGHEST_SENT))
    return PromQL(f"({newest} - on (namespace, pod) group_right () {sent}) > {threshold:g}")


def queue_usage_ratio(threshold: float) -> PromQL:
    """Ratio of its export queue that a collector uses, 0..1, per pod and exporter."""
    by = "max by (namespace, pod, exporter)"
    return PromQL(f"{by} ({QUEUE_SIZE}) / ({by} ({QUEUE_CAPACITY}) > 0) > {threshold:g}")


def increase_above(counter: str, threshold: float) -> PromQL:
    """Increase of a counter of a collector or Jaeger in ten minutes, such as REFUSED or DROPPED_TOO_EARLY."""
    return PromQL(f"sum {BY_SERVICE} (increase({counter}[10m])) > {threshold:g}")


def spans_not_exported(jaeger: str, threshold: float) -> PromQL:
    """Spans that a collector before `jaeger` failed to export in ten minutes."""
    return PromQL(f'sum {BY_SERVICE} (increase({FAILED}{{service!="{jaeger}"}}[10m])) > {threshold:g}')


def storage_errors(jaeger: str, threshold: float) -> PromQL:
    """Storage requests of `jaeger` that failed in ten minutes, per operation; `write_spans` counts spans."""
    failed_reads = f'increase({STORAGE}{{service="{jaeger}",result="err"}}[10m])'
    reads = f"sum by (namespace, service, operation) ({failed_reads}) > {threshold:g}"
    writes = f'sum {BY_SERVICE} (increase({FAILED}{{service="{jaeger}"}}[10m])) > {threshold:g}'
    return PromQL(f'{reads} or label_replace({writes}, "operation", "write_spans", "", "")')
