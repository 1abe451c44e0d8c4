"""Tracing of the mesh: where proxies send spans, and its validation."""

from collections.abc import Collection, Iterator
from math import inf
from typing import Final
from urllib.parse import urlsplit

from meshed_mcp import contract
from meshed_mcp.components.core.errors import ConfigIssue, suggestion
from meshed_mcp.components.mesh.cluster.args import Tracing
from meshed_mcp.components.observability.tracing.collectors import first_hop
from meshed_mcp.components.observability.tracing.jaeger_args import MemoryStorage
from meshed_mcp.components.observability.tracing.jaeger_config import OTLP_HTTP_PORT
from meshed_mcp.error_codes.stack import (
    COLLECTORS_WITHOUT_SPANS,
    SAMPLING_TOO_EARLY,
    TRACES_IN_MEMORY,
    TWO_COLLECTORS,
    UNKNOWN_SERVICE,
)
from meshed_mcp.infra.config import Environment, ServiceConfig, StackConfig

WHERE: Final = "observability"
EVERY_TRACE: Final = 100.0


def tracing(config: StackConfig) -> Tracing:
    """Tracing of the mesh: to the collector that the stack names, otherwise its own agents or Jaeger.

    Tail sampling needs every trace.
    """
    if config.mesh.tracing is not None:
        return config.mesh.tracing
    if (existing := existing_collector(config)) is not None:
        return existing
    place = f"{config.observability.namespace}.svc.{config.mesh.cluster_domain}"
    host = f"{first_hop(config.observability)}.{place}"
    collectors = config.observability.collectors
    tail_sampled = collectors is not None and collectors.tail_sampling is not None
    return Tracing(service=host, sampling_percent=EVERY_TRACE) if tail_sampled else Tracing(service=host)


def otlp_endpoint(config: StackConfig) -> str:
    """Endpoint of the servers' spans, OTLP over HTTP: that of an existing collector, otherwise that of the mesh."""
    return config.observability.jaeger.otlp_endpoint or f"http://{tracing(config).service}:{OTLP_HTTP_PORT}"


def existing_collector(config: StackConfig) -> Tracing | None:
    """An existing collector in the cluster, for the proxies; they send OTLP over gRPC to its default port."""
    endpoint = config.observability.jaeger.otlp_endpoint
    host = None if endpoint is None else urlsplit(endpoint).hostname
    return None if host is None else Tracing(service=host)


def tracing_issues(config: StackConfig, names: Collection[str]) -> Iterator[ConfigIssue]:
    """Traces that would be lost or sampled too early, and unknown services."""
    named, existing = config.mesh.tracing, existing_collector(config)
    if named is not None and existing is not None and named.service != existing.service:
        message = TWO_COLLECTORS.message(service=named.service, other=existing.service)
        yield ConfigIssue("mesh", "tracing.service", message)
    collectors, storage = config.observability.collectors, config.observability.jaeger.storage
    if isinstance(storage, MemoryStorage) and config.environment is not Environment.DEVELOPMENT:
        development = Environment.DEVELOPMENT.value
        yield ConfigIssue(WHERE, "jaeger.storage.kind", TRACES_IN_MEMORY.message(environment=development))
    if collectors is None:
        return
    if config.mesh.tracing is not None:
        message = COLLECTORS_WITHOUT_SPANS.message(service=config.mesh.tracing.service)
        yield ConfigIssue(WHERE, "collectors", message)
    for number, name in enumerate(collectors.span_metrics):
        if name not in names:
            message = UNKNOWN_SERVICE.message(name=name, suggested=suggestion(name, sorted(names)))
            yield ConfigIssue(WHERE, f"collectors.span_metrics[{number}]", message)
    longest, name = max((longest_call(item), name) for name, item in config.services.items())
    wait = inf if collectors.tail_sampling is None else collectors.tail_sampling.decision_wait_seconds
    if wait <= longest:
        message = SAMPLING_TOO_EARLY.message(wait=wait, name=name, longest=longest)
        yield ConfigIssue(WHERE, "collectors.tail_sampling.decision_wait_seconds", message)


def longest_call(item: ServiceConfig) -> float:
    """Longest duration of a call: `limits.call_seconds`, otherwise what the grace period allows."""
    if item.limits.call_seconds is not None:
        return float(item.limits.call_seconds)
    return contract.longest_call_seconds(item.drain.pre_stop_delay_seconds, item.drain.grace_seconds)
