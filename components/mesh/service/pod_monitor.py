"""PodMonitor of one MCP server: how Prometheus finds its pods and names its series.

A service's name and arguments in, one object out. Not here: what the series mean (promql/selectors.py), Prometheus
itself (observability).
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.core.scraping import SERVER_SECONDS
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs

SCRAPE_SECONDS: Final = SERVER_SECONDS
"""Product rule: a call is queryable within 6 s, and the autoscaler sees a load step in time."""

SCRAPE_TIMEOUT_SECONDS: Final = 4
"""Below the interval, which Prometheus demands."""

CALLS_ALONE: Final = {
    "action": "drop",
    "sourceLabels": ["__name__", contract.LABEL_TOOL],
    "regex": f"{contract.METRIC_OPERATION_DURATION}_bucket;",
}
"""Buckets of tool calls are read; those of other methods, which name no tool, by no page, rule or alert."""

NO_HTTP_BUCKETS: Final = {
    "action": "drop",
    "sourceLabels": ["__name__"],
    "regex": f"{contract.METRIC_HTTP_DURATION}_bucket",
}
"""Buckets of HTTP requests are read of the registry, which speaks plain HTTP; of servers, the number of requests is."""


def pod_monitor(name: str, args: MeshedMCPServiceArgs) -> Manifest:
    """Scrapes every pod of every version directly on the management port, past the sidecar.

    Series get the labels `mcp_server_name` and `version` from the pod's labels. Buckets that nothing reads are not
    stored, two of five series of a pod with six tools; counts and sums are.
    """
    unread = [] if args.store_all_histogram_buckets else unread_buckets(name)
    return manifest(
        "monitoring.coreos.com/v1",
        "PodMonitor",
        metadata(name, args.namespace),
        {
            "selector": {"matchLabels": {contract.LABEL_APP: name}},
            "podMetricsEndpoints": [
                {
                    "port": contract.MANAGEMENT_PORT_NAME,
                    "path": contract.METRICS_PATH,
                    "interval": f"{SCRAPE_SECONDS}s",
                    "scrapeTimeout": f"{SCRAPE_TIMEOUT_SECONDS}s",
                    "relabelings": [
                        _from_pod_label("app_kubernetes_io_name", contract.LABEL_SERVER),
                        _from_pod_label("version", contract.LABEL_VERSION),
                    ],
                    **({"metricRelabelings": unread} if unread else {}),
                }
            ],
        },
    )


def unread_buckets(name: str) -> list[Manifest]:
    """What is dropped of a server's series when they are scraped."""
    return [CALLS_ALONE] if name == contract.REGISTRY_NAME else [CALLS_ALONE, NO_HTTP_BUCKETS]


def _from_pod_label(pod_label: str, target: str) -> Manifest:
    return {"sourceLabels": [f"__meta_kubernetes_pod_label_{pod_label}"], "targetLabel": target}
