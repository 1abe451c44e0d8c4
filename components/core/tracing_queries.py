"""PromQL about samples and spans after they were taken: remote write, collectors, Jaeger's storage.

Out: PromQL text for alerts, empty unless something is wrong. Source of the names: Prometheus' own metrics; a real
collector of release 0.158, which shows counters without `_total` (tests/engines/test_collector.py).
"""

from typing import Final

BEHIND_SECONDS: Final = 120
"""Source: prometheus-mixin, PrometheusRemoteWriteBehind."""

QUEUE_FULL_SHARE: Final = 0.8

REFUSED: Final = "otelcol_receiver_refused_spans"
FAILED: Final = "otelcol_exporter_send_failed_spans"
QUEUE_SIZE: Final = "otelcol_exporter_queue_size"
QUEUE_CAPACITY: Final = "otelcol_exporter_queue_capacity"
TOO_EARLY: Final = "otelcol_processor_tail_sampling_sampling_trace_dropped_too_early"
"""Of every process that is a collector inside, Jaeger too."""

STORAGE: Final = "jaeger_storage_requests_total"
"""Reads of Jaeger's storage. Source: Jaeger, monitoring/jaeger-mixin; what it does not write counts as FAILED."""

HIGHEST: Final = "prometheus_remote_storage_highest_timestamp_in_seconds"
SENT: Final = "prometheus_remote_storage_queue_highest_sent_timestamp_seconds"

BY_PART: Final = "by (namespace, service)"
"""`service` says which part it is: agent, gateway, Jaeger."""


def remote_write_behind() -> str:
    """Seconds by which what was sent lags behind what was scraped, per target."""
    newest, sent = (f"max_over_time({name}[5m])" for name in (HIGHEST, SENT))
    return f"({newest} - on (namespace, pod) group_right () {sent}) > {BEHIND_SECONDS}"


def queue_share() -> str:
    """Share of its queue that a collector has filled, per pod and exporter."""
    by = "max by (namespace, pod, exporter)"
    return f"{by} ({QUEUE_SIZE}) / ({by} ({QUEUE_CAPACITY}) > 0) > {QUEUE_FULL_SHARE}"


def spans_refused() -> str:
    """Spans of ten minutes that a part refused, as its memory or queue is full."""
    return f"sum {BY_PART} (increase({REFUSED}[10m])) > 0"


def spans_undelivered(jaeger: str) -> str:
    """Spans of ten minutes that a part before `jaeger` gave up to pass on."""
    return f'sum {BY_PART} (increase({FAILED}{{service!="{jaeger}"}}[10m])) > 0'


def storage_errors(jaeger: str) -> str:
    """Requests of ten minutes that the storage of `jaeger` failed, per operation; spans that it did not store."""
    reads = f'sum by (namespace, service, operation) (increase({STORAGE}{{service="{jaeger}",result="err"}}[10m])) > 0'
    lost = f'sum {BY_PART} (increase({FAILED}{{service="{jaeger}"}}[10m])) > 0'
    return f'{reads} or label_replace({lost}, "operation", "write_spans", "", "")'


def dropped_early() -> str:
    """Traces of ten minutes that made room for newer ones before they were chosen or not."""
    return f"sum {BY_PART} (increase({TOO_EARLY}[10m])) > 0"
