"""PodMonitor of the mesh's control plane. Namespace in, one object out.

Source: Istio, "Prometheus", its sample for the Prometheus operator. Not here: what is made of the series
(`promql/control_plane.py`), the mesh's proxies (`envoy_monitor.py`).
"""

from typing import Final

from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.promql import control_plane as istiod

SELECTOR: Final = {"app": "istiod"}
PORT_NAME: Final = "http-monitoring"
"""Source: Istio's chart istiod; tests/engines/test_istio_charts.py."""

SCRAPE_SECONDS: Final = 15

KEPT: Final = "|".join((istiod.REFUSED, istiod.CONNECTED, f"{istiod.REACHED}_bucket", istiod.ROOT_EXPIRY))
"""istiod shows about a hundred more names, some per proxy version and per kind of object; nothing asks for them."""


def istiod_monitor(namespace: str) -> Manifest:
    """Scrapes every istiod, of every revision and in every namespace; remote clusters have none."""
    revision = {"sourceLabels": ["__meta_kubernetes_pod_label_istio_io_rev"], "targetLabel": istiod.REVISION}
    kept = {"action": "keep", "sourceLabels": ["__name__"], "regex": KEPT}
    endpoint = {
        "port": PORT_NAME,
        "interval": f"{SCRAPE_SECONDS}s",
        "relabelings": [revision],
        "metricRelabelings": [kept],
    }
    spec = {
        "selector": {"matchLabels": SELECTOR},
        "namespaceSelector": {"any": True},
        "podMetricsEndpoints": [endpoint],
    }
    meta = metadata(istiod.MONITOR, namespace, labels=standard_labels(istiod.MONITOR))
    return manifest("monitoring.coreos.com/v1", "PodMonitor", meta, spec)
