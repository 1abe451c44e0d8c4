"""Configuration files of the collectors: agent and gateway. Settings in, plain data out.

A real collector judges both (tests/engines/test_collector.py). Not here: the pods that read them (`collectors.py`).
Source of every field: OpenTelemetry Collector 0.158 and its contrib components, README of each.
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.observability.tracing.collector_args import CollectorSettings, TailSampling
from meshed_mcp.components.observability.tracing.jaeger_config import (
    HEALTH_PORT,
    METRICS_PORT,
    OTLP_GRPC_PORT,
    OTLP_HTTP_PORT,
    listen,
    memory_limiter,
    metrics_reader,
)
from meshed_mcp.components.promql import selectors

SECONDS_BETWEEN_FLUSHES: Final = 1
BATCH_SPANS: Final = 1_000
"""Spans of one export, at the least and, five times as many, at the most."""

SPAN_METRICS_NAMESPACE: Final = "traces.span.metrics"
"""First part of the names of metrics from spans. Source: connector `spanmetrics`, default `namespace`."""

SPAN_METRICS_SERIES: Final = 2_000
"""Label sets of metrics from spans in each gateway, above which the rest is counted together: the names of tools in
spans are the callers' own words."""

SPAN_METRICS_FLUSH_SECONDS: Final = 15
DIMENSIONS: Final = ("mcp.method.name", "gen_ai.tool.name", "error.type")
"""Attributes of spans that become labels. Source: OpenTelemetry, "Semantic conventions for MCP"."""

ERROR_TYPE: Final = "error.type"


def agent_config(settings: CollectorSettings, gateway_host: str) -> Manifest:
    """Take spans on the node, hold them, and send all of one trace to the same gateway of those behind a name.

    `gateway_host`: a headless Service. By DNS, which needs no rights in Kubernetes.
    """
    sending = {"tls": {"insecure": True}, "sending_queue": queue(settings)}
    balanced = {
        "routing_key": "traceID",
        "protocol": {"otlp": sending},
        "resolver": {"dns": {"hostname": gateway_host, "port": str(OTLP_GRPC_PORT)}},
    }
    pipelines = {"traces": pipeline(["memory_limiter"], ["loadbalancing"])}
    return collector({"memory_limiter": memory_limiter()}, {"loadbalancing": balanced}, pipelines)


def gateway_config(settings: CollectorSettings, jaeger: str, prometheus: str) -> Manifest:
    """Choose among whole traces, send them to `jaeger` (host:port, gRPC), and metrics to `prometheus` (base URL)."""
    chosen = {} if settings.tail_sampling is None else {"tail_sampling": tail_sampling(settings.tail_sampling)}
    processors = {"memory_limiter": memory_limiter()} | chosen
    exporters = {"otlp": {"endpoint": jaeger, "tls": {"insecure": True}, "sending_queue": queue(settings)}}
    pipelines = {"traces": pipeline([*processors], ["otlp"])}
    found = collector(processors, exporters, pipelines)
    if settings.span_metrics:
        count_spans(found, settings.span_metrics, prometheus)
    return found


def collector(processors: Manifest, exporters: Manifest, pipelines: Manifest) -> Manifest:
    """A file that takes OTLP and answers the checks of health; receivers listen on localhost unless told otherwise."""
    protocols = {"grpc": listen(OTLP_GRPC_PORT), "http": listen(OTLP_HTTP_PORT)}
    telemetry = {
        "metrics": {"level": "normal", "readers": [metrics_reader(METRICS_PORT)]},
        "logs": {"level": "info", "encoding": "json"},
    }
    return {
        "extensions": {"health_check": listen(HEALTH_PORT)},
        "receivers": {"otlp": {"protocols": protocols}},
        "processors": processors,
        "exporters": exporters,
        "service": {"extensions": ["health_check"], "pipelines": pipelines, "telemetry": telemetry},
    }


def pipeline(processors: list[str], exporters: list[str]) -> Manifest:
    """One pipeline from OTLP."""
    return {"receivers": ["otlp"], "processors": processors, "exporters": exporters}


def queue(settings: CollectorSettings) -> Manifest:
    """A queue of spans with batches in it: unlike the processor `batch` it refuses what it cannot hold."""
    batch = {
        "flush_timeout": f"{SECONDS_BETWEEN_FLUSHES}s",
        "min_size": BATCH_SPANS,
        "max_size": 5 * BATCH_SPANS,
    }
    return {"enabled": True, "sizer": "items", "queue_size": settings.queue_spans, "batch": batch}


def tail_sampling(settings: TailSampling) -> Manifest:
    """A trace is kept if one of the policies wants it.

    The SDK marks every JSON-RPC error as an error of its span, those in which the caller was wrong too: they are none
    here, and a trace that has one is not drawn into the rest either.
    """
    faults = list(selectors.CALLER_FAULTS)
    code = "|".join(faults)
    failed = f'status.code == STATUS_CODE_ERROR and not IsMatch(attributes["{ERROR_TYPE}"], "^({code})$")'
    drawn = {"name": "drawn", "type": "probabilistic"}
    by_caller = {"key": ERROR_TYPE, "values": faults, "invert_match": True}
    rest = [
        drawn | {"probabilistic": {"sampling_percentage": settings.rest_percent}},
        {"name": "not-by-the-caller", "type": "string_attribute", "string_attribute": by_caller},
    ]
    slow = {"threshold_ms": round(settings.slow_seconds * 1000)}
    return {
        "decision_wait": f"{settings.decision_wait_seconds}s",
        "num_traces": settings.traces_in_memory,
        # spans that come after the choice follow it, for twice as many traces as wait
        "decision_cache": {
            "sampled_cache_size": 2 * settings.traces_in_memory,
            "non_sampled_cache_size": 2 * settings.traces_in_memory,
        },
        "policies": [
            {
                "name": "errors",
                "type": "ottl_condition",
                "ottl_condition": {"error_mode": "ignore", "span": [failed]},
            },
            {"name": "slow", "type": "latency", "latency": slow},
            {"name": "rest", "type": "and", "and": {"and_sub_policy": rest}},
        ],
    }


def count_spans(config: Manifest, services: list[str], prometheus: str) -> None:
    """Add to `config` metrics of these services' spans, counted before the choice and sent to Prometheus by OTLP.

    A sidecar names its spans `<service>.<namespace>`, an SDK as it is told: both are taken, as different series.
    """
    names = "|".join(services)
    others = f'not (kind == SPAN_KIND_SERVER and IsMatch(resource.attributes["service.name"], "^({names})(\\\\..*)?$"))'
    config["processors"]["filter"] = {"error_mode": "ignore", "traces": {"span": [others]}}
    config["connectors"] = {
        "spanmetrics": {
            "namespace": SPAN_METRICS_NAMESPACE,
            "histogram": {"unit": "s", "explicit": {"buckets": [f"{s:g}s" for s in contract.DURATION_BUCKETS_SECONDS]}},
            "dimensions": [{"name": name} for name in DIMENSIONS],
            "exclude_dimensions": ["span.name"],
            "exemplars": {"enabled": True},
            "metrics_flush_interval": f"{SPAN_METRICS_FLUSH_SECONDS}s",
            "aggregation_cardinality_limit": SPAN_METRICS_SERIES,
        }
    }
    config["exporters"]["otlphttp"] = {"metrics_endpoint": f"{prometheus}/api/v1/otlp/v1/metrics"}
    pipelines = config["service"]["pipelines"]
    pipelines["traces/metrics"] = pipeline(["memory_limiter", "filter"], ["spanmetrics"])
    pipelines["metrics"] = {"receivers": ["spanmetrics"], "exporters": ["otlphttp"]}
