"""PodMonitor of Jaeger and the collectors: spans taken, refused and sent, queues. Namespace in, one object out.

Not here: what is made of the series (`promql/tracing.py`).
"""

from typing import Final

from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.observability.tracing import jaeger
from meshed_mcp.components.observability.tracing.collectors import AGENT, GATEWAY

NAME: Final = "tracing"
PORT_NAME: Final = "http-metrics"


def tracing_monitor(namespace: str) -> Manifest:
    """Scrapes every pod of them; the label `service` says which of the three it is."""
    relabeling = {"sourceLabels": ["__meta_kubernetes_pod_label_app_kubernetes_io_name"], "targetLabel": "service"}
    names = {"key": "app.kubernetes.io/name", "operator": "In", "values": [jaeger.NAME, AGENT, GATEWAY]}
    spec = {
        "selector": {"matchExpressions": [names]},
        "podMetricsEndpoints": [{"port": PORT_NAME, "relabelings": [relabeling]}],
    }
    return manifest("monitoring.coreos.com/v1", "PodMonitor", metadata(NAME, namespace), spec)
