"""PodMonitor of one MCP server: scrape target, relabeling and dropped series."""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.core.scraping import SERVER_SECONDS
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs

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


def pod_monitors(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """The PodMonitor of a service with the runtime; a server without it has no management port."""
    return [pod_monitor(name, args)] if args.has_runtime else []


def pod_monitor(name: str, args: MeshedMCPServiceArgs) -> Manifest:
    """PodMonitor of all versions, which scrapes the management port and bypasses the sidecar.

    Series get the labels `mcp_server_name` and `version` from pod labels. Histogram buckets that nothing reads are
    dropped: two of five series of a pod with six tools.
    """
    servers = [DROP_OTHER_METHOD_BUCKETS, DROP_HTTP_BUCKETS]
    unread = [DROP_OTHER_METHOD_BUCKETS] if name == contract.REGISTRY_NAME else servers
    dropped = [] if args.store_all_histogram_buckets else unread
    labels = {"app_kubernetes_io_name": contract.LABEL_SERVER, "version": contract.LABEL_VERSION}
    endpoint = {
        "port": contract.MANAGEMENT_PORT_NAME,
        "path": contract.METRICS_PATH,
        "interval": f"{SCRAPE_SECONDS}s",
        "scrapeTimeout": f"{SCRAPE_TIMEOUT_SECONDS}s",
        "relabelings": [_from_pod_label(label, target) for label, target in labels.items()],
        **({"metricRelabelings": dropped} if dropped else {}),
    }
    spec = {"selector": {"matchLabels": {contract.LABEL_APP: name}}, "podMetricsEndpoints": [endpoint]}
    return manifest("monitoring.coreos.com/v1", "PodMonitor", metadata(name, args.namespace), spec)


def _from_pod_label(pod_label: str, target: str) -> Manifest:
    return {"sourceLabels": [f"__meta_kubernetes_pod_label_{pod_label}"], "targetLabel": target}
