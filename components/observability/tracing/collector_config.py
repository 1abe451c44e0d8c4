"""Configuration files of the OpenTelemetry Collectors: agent and gateway.

Source of every field: OpenTelemetry Collector 0.158 and the README of each contrib component.
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.observability.tracing import jaeger_config
from meshed_mcp.components.observability.tracing.collector_args import CollectorSettings, TailSampling
from meshed_mcp.components.observability.tracing.jaeger_config import listen, memory_limiter, metrics_reader
from meshed_mcp.components.promql import selectors

SECONDS_BETWEEN_FLUSHES: Final = 1
BATCH_SPANS: Final = 1_000
"""Minimum number of spans of an export; the maximum is five times as many."""

SPAN_METRICS_NAMESPACE: Final = "traces.span.metrics"
"""Prefix of span metrics. Source: connector `spanmetrics`, default `namespace`."""

SPAN_METRICS_SERIES: Final = 2_000
"""Limit of label sets of span metrics in each gateway, because clients choose the tool names in spans."""

SPAN_METRICS_FLUSH_SECONDS: Final = 15
DIMENSIONS: Final = ("mcp.method.name", "gen_ai.tool.name", "error.type")
"""Span attributes that become labels. Source: OpenTelemetry, "Semantic conventions for MCP"."""

ERROR_TYPE: Final = "error.type"


def agent_config(settings: CollectorSettings, gateway_host: str) -> Manifest:
    """Agent: receives spans of its node and sends all spans of a trace to the same gateway.

    `gateway_host`: a headless Service, resolved by DNS, which needs no permissions in Kubernetes.
    """
    sending = {"tls": {"insecure": True}, "sending_queue": queue(settings)}
    balanced = {
        "routing_key": "traceID",
        "protocol": {"otlp": sending},
        "resolver": {"dns": {"hostname": gateway_host, "port": str(jaeger_config.OTLP_GRPC_PORT)}},
    }
    pipelines = {"traces": pipeline(["memory_limiter"], ["loadbalancing"])}
    return collector({"memory_limiter": memory_limiter()}, {"loadbalancing": balanced}, pipelines)


def gateway_config(settings: CollectorSettings, jaeger: str, prometheus: str) -> Manifest:
    """Gateway: samples traces, sends them to `jaeger` (host:port, gRPC) and span metrics to `prometheus` (base URL)."""
    sampling = {} if settings.tail_sampling is None else {"tail_sampling": tail_sampling(settings.tail_sampling)}
    processors = {"memory_limiter": memory_limiter()} | sampling
    exporters = {"otlp": {"endpoint": jaeger, "tls": {"insecure": True}, "sending_queue": queue(settings)}}
    pipelines = {"traces": pipeline([*processors], ["otlp"])}
    found = collector(processors, exporters, pipelines)
    if settings.span_metrics:
        add_span_metrics(found, settings.span_metrics, prometheus)
    return found


def collector(processors: Manifest, exporters: Manifest, pipelines: Manifest) -> Manifest:
    """Configuration with an OTLP receiver, a health check, and metrics and logs of the collector itself."""
    protocols = {"grpc": listen(jaeger_config.OTLP_GRPC_PORT), "http": listen(jaeger_config.OTLP_HTTP_PORT)}
    telemetry = {
        "metrics": {"level": "normal", "readers": [metrics_reader(jaeger_config.METRICS_PORT)]},
        "logs": {"level": "info", "encoding": "json"},
    }
    return {
        "extensions": {"health_check": listen(jaeger_config.HEALTH_PORT)},
        "receivers": {"otlp": {"protocols": protocols}},
        "processors": processors,
        "exporters": exporters,
        "service": {"extensions": ["health_check"], "pipelines": pipelines, "telemetry": telemetry},
    }


def pipeline(processors: list[str], exporters: list[str]) -> Manifest:
    """A pipeline from the OTLP receiver."""
    return {"receivers": ["otlp"], "processors": processors, "exporters": exporters}


def queue(settings: CollectorSettings) -> Manifest:
    """Export queue with batching: unlike the processor `batch`, it refuses spans when it is full."""
    batch = {"flush_timeout": f"{SECONDS_BETWEEN_FLUSHES}s", "min_size": BATCH_SPANS, "max_size": 5 * BATCH_SPANS}
    return {"enabled": True, "sizer": "items", "queue_size": settings.queue_spans, "batch": batch}


def tail_sampling(settings: TailSampling) -> Manifest:
    """Tail sampling policies; a trace is kept if one of them matches.

    The SDK marks every JSON-RPC error as an error of its span, client errors as well. Here client errors are not
    errors, and a trace with one is not sampled into the rest either.
    """
    client_errors = list(selectors.CLIENT_ERRORS)
    code = "|".join(client_errors)
    failed = f'status.code == STATUS_CODE_ERROR and not IsMatch(attributes["{ERROR_TYPE}"], "^({code})$")'
    sampled = {"name": "sampled", "type": "probabilistic"}
    no_client_error = {"key": ERROR_TYPE, "values": client_errors, "invert_match": True}
    rest = [
        sampled | {"probabilistic": {"sampling_percentage": settings.rest_percent}},
        {"name": "no-client-error", "type": "string_attribute", "string_attribute": no_client_error},
    ]
    slow = {"threshold_ms": round(settings.slow_seconds * 1000)}
    return {
        "decision_wait": f"{settings.decision_wait_seconds}s",
        "num_traces": settings.traces_in_memory,
        # late spans follow the decision, for twice as many traces as wait
        "decision_cache": {
            "sampled_cache_size": 2 * settings.traces_in_memory,
            "non_sampled_cache_size": 2 * settings.traces_in_memory,
        },
        "policies": [
            {"name": "errors", "type": "ottl_condition", "ottl_condition": {"error_mode": "ignore", "span": [failed]}},
            {"name": "slow", "type": "latency", "latency": slow},
            {"name": "rest", "type": "and", "and": {"and_sub_policy": rest}},
        ],
    }


def add_span_metrics(config: Manifest, services: list[str], prometheus: str) -> None:
    """Add span metrics of these services to `config`, derived before sampling and sent to Prometheus by OTLP.

    A sidecar's service name is `<service>.<namespace>`, an SDK's is configured: both are counted, as different series.
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
