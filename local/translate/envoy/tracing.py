"""Telemetry objects as the tracing of one Envoy: spans by OTLP over HTTP to the machine's collector. Pure.

Source of the meaning: Istio, "Telemetry API", order of precedence: workload, namespace, root namespace.
"""

from collections.abc import Iterable
from typing import Final

from meshed_mcp.local.observe.collector import Collector
from meshed_mcp.local.translate.envoy.api import Message, extension
from meshed_mcp.local.translate.envoy.clusters import CONNECT_TIMEOUT, endpoints
from meshed_mcp.local.translate.envoy.rbac import ROOT_NAMESPACE
from meshed_mcp.local.translate.objects.telemetry import Telemetry

CLUSTER: Final = "outbound|4318||collector"
EXPORT_TIMEOUT: Final = "10s"
"""Source: Istio, OpenTelemetry tracing provider, default of `http.timeout`."""


def sampling_percent(telemetries: Iterable[Telemetry], namespace: str, labels: dict[str, str]) -> float | None:
    """Share of the requests that a workload's proxy traces; None where no Telemetry names a provider for it."""
    chosen = [
        (bool(each.spec.selector.match_labels), each.namespace == namespace, each.spec.tracing[0])
        for each in telemetries
        if each.spec.tracing and each.namespace in (namespace, ROOT_NAMESPACE) and each.spec.selector.selects(labels)
    ]
    return max(chosen, key=lambda each: each[:2])[2].random_sampling_percentage if chosen else None


def tracing(collector: Collector | None, service: str, percent: float | None) -> Message:
    """The connection manager's field, empty where nothing is traced. A caller's decision wins, as in istiod's."""
    if collector is None or percent is None:
        return {}
    service_of = {"http_uri": {"uri": collector.traces_url, "cluster": CLUSTER, "timeout": EXPORT_TIMEOUT}}
    provider = extension(
        "envoy.tracers.opentelemetry",
        "config.trace.v3.OpenTelemetryConfig",
        http_service=service_of,
        service_name=service,
    )
    return {"tracing": {"random_sampling": {"value": percent}, "provider": provider}}


def collector_clusters(collector: Collector | None) -> list[Message]:
    """The collector as a cluster; it is outside the mesh."""
    if collector is None:
        return []
    return [
        {
            "name": CLUSTER,
            "type": "STRICT_DNS",
            "connect_timeout": CONNECT_TIMEOUT,
            "wait_for_warm_on_init": False,  # proxies start without it, and calls go on when it is away
            "load_assignment": endpoints(CLUSTER, [(collector.host, collector.port)]),
        }
    ]
