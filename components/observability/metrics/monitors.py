"""PodMonitors of the mesh's proxies, istiod, the rate limit service, Jaeger and the collectors.

MCP servers have PodMonitors of their own. Source: Istio, "Prometheus", its sample for the Prometheus operator.
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.core.scraping import PROXY_SECONDS
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.tracing import jaeger
from meshed_mcp.components.observability.tracing.collectors import AGENT, GATEWAY
from meshed_mcp.components.promql import control_plane as istiod

ISTIO_SERIES: Final = "istio_.*"
"""Istio's standard metrics. A proxy exports hundreds of Envoy's own metrics, which nothing reads."""

REQUESTS_AND_DURATIONS: Final = r"istio_(requests_total|request_duration_milliseconds_(bucket|count|sum)|tcp_.*)"
"""Metrics that dashboards and rules read. Request and response sizes are two thirds of Istio's series, and only Kiali
reads them."""

ISTIOD_PORT_NAME: Final = "http-monitoring"
"""Source: Istio's chart istiod; tests/engines/test_istio_charts.py."""

ISTIOD_SCRAPE_SECONDS: Final = 15
ISTIOD_SERIES: Final = "|".join(
    (istiod.REJECTED, istiod.CONNECTED_PROXIES, f"{istiod.CONVERGENCE}_bucket", istiod.ROOT_EXPIRY)
)
"""istiod exports about a hundred further metrics, which nothing reads."""


def envoy_monitor(args: ObservabilityStackArgs) -> Manifest:
    """PodMonitor of the proxies of all namespaces, on the port that accepts plaintext."""
    endpoint = {
        "port": contract.PROXY_METRICS_PORT_NAME,
        "path": contract.PROXY_METRICS_PATH,
        "interval": f"{PROXY_SECONDS}s",
        "metricRelabelings": [keep(stored_series(args))],
    }
    return pod_monitor("envoy-stats", args.namespace, endpoint, selector={}, any_namespace=True)


def stored_series(args: ObservabilityStackArgs) -> str:
    """Regular expression of the names of the proxies' metrics that are stored."""
    return ISTIO_SERIES if args.stores_request_sizes else REQUESTS_AND_DURATIONS


def istiod_monitor(namespace: str) -> Manifest:
    """PodMonitor of istiod, of every revision and in every namespace; remote clusters have none."""
    revision = {"sourceLabels": ["__meta_kubernetes_pod_label_istio_io_rev"], "targetLabel": istiod.REVISION}
    endpoint = {
        "port": ISTIOD_PORT_NAME,
        "interval": f"{ISTIOD_SCRAPE_SECONDS}s",
        "relabelings": [revision],
        "metricRelabelings": [keep(ISTIOD_SERIES)],
    }
    selector = {"matchLabels": {"app": "istiod"}}
    return pod_monitor(istiod.MONITOR, namespace, endpoint, selector=selector, any_namespace=True)


def rate_limit_monitor(namespace: str) -> Manifest:
    """PodMonitor of the rate limit service, on its management port, which bypasses the sidecar."""
    endpoint = {"port": contract.MANAGEMENT_PORT_NAME, "interval": f"{PROXY_SECONDS}s"}
    selector = {"matchLabels": {contract.LABEL_APP: contract.RATE_LIMIT_NAME}}
    return pod_monitor(contract.RATE_LIMIT_NAME, namespace, endpoint, selector=selector, any_namespace=True)


def tracing_monitor(namespace: str) -> Manifest:
    """PodMonitor of Jaeger, agents and gateways; the label `service` distinguishes them."""
    service = {"sourceLabels": ["__meta_kubernetes_pod_label_app_kubernetes_io_name"], "targetLabel": "service"}
    names = {"key": "app.kubernetes.io/name", "operator": "In", "values": [jaeger.NAME, AGENT, GATEWAY]}
    endpoint = {"port": "http-metrics", "relabelings": [service]}
    return pod_monitor("tracing", namespace, endpoint, selector={"matchExpressions": [names]})


def pod_monitor(
    name: str, namespace: str, endpoint: Manifest, *, selector: Manifest, any_namespace: bool = False
) -> Manifest:
    """A PodMonitor with one endpoint, of its own namespace or of all."""
    everywhere = {"namespaceSelector": {"any": True}} if any_namespace else {}
    spec = {"selector": selector, **everywhere, "podMetricsEndpoints": [endpoint]}
    return manifest("monitoring.coreos.com/v1", "PodMonitor", metadata(name, namespace), spec)


def keep(names: str) -> Manifest:
    """Relabeling that stores only the metrics whose names match."""
    return {"action": "keep", "sourceLabels": ["__name__"], "regex": names}
