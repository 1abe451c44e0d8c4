"""Jaeger's configuration: an OpenTelemetry Collector file with Jaeger's storage and query extensions. Pure data.

Not here: the pod that runs it (`jaeger.py`).
"""

from typing import Final

from meshed_mcp.components.core.manifest import Manifest

OTLP_GRPC_PORT: Final = 4317
OTLP_HTTP_PORT: Final = 4318
"""Source: OpenTelemetry Protocol specification, default ports."""

QUERY_PORT: Final = 16686
"""UI and JSON interface. Source: Jaeger, `ports.QueryHTTP`."""

METRICS_PORT: Final = 8888
"""Jaeger's own metrics. Source: OpenTelemetry Collector, internal telemetry."""

HEALTH_PORT: Final = 13133
HEALTH_PATH: Final = "/status"
"""Source: OpenTelemetry Collector, extension `healthcheckv2`, defaults."""

DATA_PATH: Final = "/data"
STORAGE: Final = "badger"

MEMORY_LIMIT_PERCENT: Final = 80
MEMORY_SPIKE_PERCENT: Final = 20
"""Part of the container's limit at which spans are refused, and the headroom below it. Source: Collector's processor
`memory_limiter`, recommended range."""


def jaeger_config(retention_hours: int) -> Manifest:
    """The file, for traces that are kept `retention_hours`."""
    return {
        "service": service(),
        "extensions": extensions(retention_hours),
        "receivers": {
            "otlp": {
                "protocols": {"grpc": listen(OTLP_GRPC_PORT), "http": listen(OTLP_HTTP_PORT)},
            },
        },
        "processors": {
            "memory_limiter": {
                "check_interval": "1s",
                "limit_percentage": MEMORY_LIMIT_PERCENT,
                "spike_limit_percentage": MEMORY_SPIKE_PERCENT,
            },
            "batch": {},
        },
        "exporters": {"jaeger_storage_exporter": {"trace_storage": STORAGE}},
    }


def service() -> Manifest:
    """One pipeline: OTLP in, bounded memory, batches to storage."""
    reader = {"pull": {"exporter": {"prometheus": {"host": "0.0.0.0", "port": METRICS_PORT}}}}  # noqa: S104 - in a pod
    return {
        "extensions": ["jaeger_storage", "jaeger_query", "healthcheckv2"],
        "pipelines": {
            "traces": {
                "receivers": ["otlp"],
                "processors": ["memory_limiter", "batch"],
                "exporters": ["jaeger_storage_exporter"],
            },
        },
        "telemetry": {
            "resource": {"service.name": "jaeger"},
            "metrics": {"level": "normal", "readers": [reader]},
            "logs": {"level": "info", "encoding": "json"},
        },
    }


def extensions(retention_hours: int) -> Manifest:
    """Storage in Badger, on disk: its default is `ephemeral`. The query service and the health check."""
    badger = {
        "directories": {"keys": f"{DATA_PATH}/keys", "values": f"{DATA_PATH}/values"},
        "ephemeral": False,
        "ttl": {"spans": f"{retention_hours}h"},
    }
    return {
        "jaeger_storage": {"backends": {STORAGE: {"badger": badger}}},
        "jaeger_query": {"storage": {"traces": STORAGE}, "http": listen(QUERY_PORT)},
        "healthcheckv2": {"use_v2": True, "http": listen(HEALTH_PORT)},
    }


def listen(port: int) -> Manifest:
    """Listen on every address of the pod: the default is localhost, where nobody outside the pod gets through."""
    return {"endpoint": f"0.0.0.0:{port}"}
