"""PodMonitor of the mesh's proxies, sidecars and gateways of every namespace. Arguments in, one object out.

Source: Istio, "Prometheus", its sample for the Prometheus operator. Not here: what the series mean
(`promql/mesh.py`), MCP servers (each has a PodMonitor of its own, beside it).
"""

from typing import Final

from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.core.scraping import PROXY_SECONDS
from meshed_mcp.components.observability.args import ObservabilityStackArgs

NAME: Final = "envoy-stats"

PROXY_PORT_NAME: Final = "http-envoy-prom"
"""Port of a proxy's own series. Source: Istio's injection template and its gateway chart."""

PROXY_PATH: Final = "/stats/prometheus"

ISTIO_SERIES: Final = "istio_.*"
"""Istio's standard metrics. Envoy's own are hundreds per proxy, and nothing asks for them."""

REQUESTS_AND_DURATIONS: Final = r"istio_(requests_total|request_duration_milliseconds_(bucket|count|sum)|tcp_.*)"
"""Those that pages and rules read, and connections of TCP, which are few. The sizes of requests and answers are two
thirds of Istio's series, and Kiali alone asks for them."""


def envoy_monitor(args: ObservabilityStackArgs) -> Manifest:
    """Scrapes the port that every proxy opens outside its mutual TLS."""
    kept = {"action": "keep", "sourceLabels": ["__name__"], "regex": kept_series(args)}
    endpoint = {
        "port": PROXY_PORT_NAME,
        "path": PROXY_PATH,
        "interval": f"{PROXY_SECONDS}s",
        "metricRelabelings": [kept],
    }
    spec = {"selector": {}, "namespaceSelector": {"any": True}, "podMetricsEndpoints": [endpoint]}
    return manifest(
        "monitoring.coreos.com/v1", "PodMonitor", metadata(NAME, args.namespace, labels=standard_labels(NAME)), spec
    )


def kept_series(args: ObservabilityStackArgs) -> str:
    """Pattern of the names that are stored."""
    return ISTIO_SERIES if args.proxy_sizes else REQUESTS_AND_DURATIONS
