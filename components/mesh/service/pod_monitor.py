"""PodMonitor of one MCP server: scrape target, relabeling and dropped series.

A server without the runtime has no metrics of its own: the target is its sidecar.
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.core.scraping import SERVER_SECONDS
from meshed_mcp.components.mesh.cluster.mode import MeshMode
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.components.mesh.service.sidecar_metrics import stored_only

SCRAPE_SECONDS: Final = SERVER_SECONDS
"""Product rule: a call is queryable within 6 s, and the autoscaler sees a load step in time."""

SCRAPE_TIMEOUT_SECONDS: Final = 4
"""Below the interval, as Prometheus requires."""

DROP_OTHER_METHOD_BUCKETS: Final = {
    "action": "drop",
    "sourceLabels": ["__name__", contract.LABEL_TOOL],
    "regex": f"{contract.METRIC_OPERATION_DURATION}_bucket;",
}
"""Only buckets of tool calls are read; no dashboard, rule or alert reads those of other methods, without a tool."""

DROP_HTTP_BUCKETS: Final = {
    "action": "drop",
    "sourceLabels": ["__name__"],
    "regex": f"{contract.METRIC_HTTP_DURATION}_bucket",
}
"""Buckets of HTTP requests are read of the registry, which is plain HTTP; of MCP servers only the count is."""


LABELS: Final = {"app_kubernetes_io_name": contract.LABEL_SERVER, "version": contract.LABEL_VERSION}
"""Pod label, in the spelling of Prometheus -> label of the series."""


def pod_monitors(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """PodMonitor of all versions; none for a server without runtime and sidecar.

    Series get the labels `mcp_server_name` and `version` from pod labels.
    """
    if not args.has_runtime and args.mode is not MeshMode.SIDECAR:
        return []
    endpoint = {
        **(runtime_endpoint(name, args) if args.has_runtime else sidecar_endpoint()),
        "interval": f"{SCRAPE_SECONDS}s",
        "scrapeTimeout": f"{SCRAPE_TIMEOUT_SECONDS}s",
        "relabelings": [_from_pod_label(label, target) for label, target in LABELS.items()],
    }
    spec = {"selector": {"matchLabels": {contract.LABEL_APP: name}}, "podMetricsEndpoints": [endpoint]}
    meta = metadata(name, args.namespace, standard_labels(name) | args.monitor_labels)
    return [manifest("monitoring.coreos.com/v1", "PodMonitor", meta, spec)]


def runtime_endpoint(name: str, args: MeshedMCPServiceArgs) -> Manifest:
    """The management port, which bypasses the sidecar.

    Histogram buckets that nothing reads are dropped: two of five series of a pod with six tools.
    """
    servers = [DROP_OTHER_METHOD_BUCKETS, DROP_HTTP_BUCKETS]
    unread = [DROP_OTHER_METHOD_BUCKETS] if name == contract.REGISTRY_NAME else servers
    dropped = [] if args.store_all_histogram_buckets else unread
    return {
        "port": contract.MANAGEMENT_PORT_NAME,
        "path": contract.METRICS_PATH,
        **({"metricRelabelings": dropped} if dropped else {}),
    }


def sidecar_endpoint() -> Manifest:
    """The sidecar's metrics of the pod's own port.

    The monitor of all proxies stores Istio's standard metrics of the same target, and none of these.
    """
    return {
        "port": contract.PROXY_METRICS_PORT_NAME,
        "path": contract.PROXY_METRICS_PATH,
        "metricRelabelings": [stored_only()],
    }


def _from_pod_label(pod_label: str, target: str) -> Manifest:
    return {"sourceLabels": [f"__meta_kubernetes_pod_label_{pod_label}"], "targetLabel": target}
