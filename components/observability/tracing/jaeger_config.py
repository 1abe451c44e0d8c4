"""Configuration of Jaeger: an OpenTelemetry Collector file with Jaeger's storage and query extensions."""

from typing import Final

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.observability.tracing.jaeger_args import (
    JaegerSettings,
    MemoryStorage,
    RemoteSampling,
    SearchStorage,
)

OTLP_GRPC_PORT: Final = 4317
OTLP_HTTP_PORT: Final = 4318
"""Source: OpenTelemetry Protocol specification, default ports."""

QUERY_PORT: Final = 16686
"""UI and JSON API. Source: Jaeger, `ports.QueryHTTP`."""

METRICS_PORT: Final = 8888
"""Jaeger's own metrics. Source: OpenTelemetry Collector, internal telemetry."""

HEALTH_PORT: Final = 13133
HEALTH_PATH: Final = "/status"
"""Source: OpenTelemetry Collector, extension `healthcheckv2`, defaults."""

EVERY_ADDRESS: Final = "0.0.0.0"  # noqa: S104 - in a pod
"""IPv6 addresses too, where the machine has any: `[::]` would end the process on a machine without IPv6. Source: Go,
`net.Listen`, unspecified IP addresses."""

DATA_PATH: Final = "/data"
STORAGE: Final = "traces"
"""Name of the storage in the file."""

SAMPLING_HTTP_PORT: Final = 5778
SAMPLING_GRPC_PORT: Final = 5779
"""Source: Jaeger, `ports.SamplingHTTP` and `SamplingGRPC` of version 2."""

CONFIG_PATH: Final = "/etc/jaeger"
SAMPLING_FILE: Final = "sampling.json"

ENV_USERNAME: Final = "STORAGE_USERNAME"
ENV_PASSWORD: Final = "STORAGE_PASSWORD"  # noqa: S105 - the name of a variable

MEMORY_LIMIT_PERCENT: Final = 80
MEMORY_SPIKE_PERCENT: Final = 20
"""Percentage of the memory limit at which Jaeger refuses spans, and the headroom below it. Source: processor
`memory_limiter`, recommended range."""


def jaeger_config(settings: JaegerSettings) -> Manifest:
    """The configuration file."""
    return {
        "service": service(settings),
        "extensions": extensions(settings),
        "receivers": {"otlp": {"protocols": {"grpc": listen(OTLP_GRPC_PORT), "http": listen(OTLP_HTTP_PORT)}}},
        "processors": {"memory_limiter": memory_limiter(), "batch": {}},
        "exporters": {"jaeger_storage_exporter": {"trace_storage": STORAGE}},
    }


def memory_limiter() -> Manifest:
    """Processor that refuses spans before the memory limit of the container is reached."""
    return {
        "check_interval": "1s",
        "limit_percentage": MEMORY_LIMIT_PERCENT,
        "spike_limit_percentage": MEMORY_SPIKE_PERCENT,
    }


def metrics_reader(port: int) -> Manifest:
    """Prometheus exporter of the collector's own metrics."""
    return {"pull": {"exporter": {"prometheus": {"host": EVERY_ADDRESS, "port": port}}}}


def service(settings: JaegerSettings) -> Manifest:
    """One pipeline: OTLP receiver, memory limiter, batches to storage."""
    sampling = [] if settings.sampling is None else ["remote_sampling"]
    return {
        "extensions": ["jaeger_storage", "jaeger_query", "healthcheckv2", *sampling],
        "pipelines": {
            "traces": {
                "receivers": ["otlp"],
                "processors": ["memory_limiter", "batch"],
                "exporters": ["jaeger_storage_exporter"],
            }
        },
        "telemetry": {
            "resource": {"service.name": "jaeger"},
            "metrics": {"level": "normal", "readers": [metrics_reader(METRICS_PORT)]},
            "logs": {"level": "info", "encoding": "json"},
        },
    }


def extensions(settings: JaegerSettings) -> Manifest:
    """Storage, query service, health check, and remote sampling if enabled."""
    found: Manifest = {
        "jaeger_storage": {"backends": {STORAGE: backend(settings)}},
        "jaeger_query": {"storage": {"traces": STORAGE}, "http": listen(QUERY_PORT)},
        "healthcheckv2": {"use_v2": True, "http": listen(HEALTH_PORT)},
    }
    if settings.sampling is not None:
        found["remote_sampling"] = {
            "file": {"path": f"{CONFIG_PATH}/{SAMPLING_FILE}"},
            "http": listen(SAMPLING_HTTP_PORT),
            "grpc": listen(SAMPLING_GRPC_PORT),
        }
    return found


def backend(settings: JaegerSettings) -> Manifest:
    """The storage backend; Badger is set to disk, because its default is `ephemeral`."""
    match settings.storage:
        case SearchStorage() as search:
            return {search.kind: indices(search)}
        case MemoryStorage() as memory:
            return {"memory": {"max_traces": memory.max_traces}}
        case _:
            badger = {
                "directories": {"keys": f"{DATA_PATH}/keys", "values": f"{DATA_PATH}/values"},
                "ephemeral": False,
                "ttl": {"spans": f"{settings.retention_hours}h"},
            }
            return {"badger": badger}


def indices(storage: SearchStorage) -> Manifest:
    """OpenSearch or Elasticsearch with daily indices, which the index cleaner deletes."""
    kind = {"date_layout": "2006-01-02", "shards": storage.shards, "replicas": storage.index_replicas}
    login = {"basic": {"username": f"${{env:{ENV_USERNAME}}}", "password": f"${{env:{ENV_PASSWORD}}}"}}
    return {
        "server_urls": [storage.url],
        **({} if storage.secret is None else {"auth": login}),
        "indices": {
            "index_prefix": storage.index_prefix,
            **{name: dict(kind) for name in ("spans", "services", "dependencies", "sampling")},
        },
    }


def sampling_strategies(settings: RemoteSampling) -> Manifest:
    """The sampling file. Source: Jaeger, "Sampling", file-based configuration."""
    named = [{"service": name, **probability(share)} for name, share in sorted(settings.services.items())]
    return {"default_strategy": probability(settings.default_percent), "service_strategies": named}


def probability(share: float) -> Manifest:
    """Probabilistic strategy of a percentage."""
    return {"type": "probabilistic", "param": share / 100}


def listen(port: int) -> Manifest:
    """Endpoint on all addresses of the pod; the default is localhost."""
    return {"endpoint": f"{EVERY_ADDRESS}:{port}"}
