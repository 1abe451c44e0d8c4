"""PodMonitor of one MCP server: how Prometheus finds its pods and names its series.

A service's name and arguments in, one object out. Not here: what the series mean (core/queries.py), Prometheus itself
(observability).
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.mesh.args import MeshedMCPServiceArgs

SCRAPE_SECONDS: Final = 5
"""Product rule: a call is queryable within 6 s, and the autoscaler sees a load step in time."""

SCRAPE_TIMEOUT_SECONDS: Final = 4
"""Below the interval, which Prometheus demands."""


def pod_monitor(name: str, args: MeshedMCPServiceArgs) -> Manifest:
    """Scrapes every pod of every version directly on the management port, past the sidecar.

    Series get the labels `mcp_server_name` and `version` from the pod's labels.
    """
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
                }
            ],
        },
    )


def _from_pod_label(pod_label: str, target: str) -> Manifest:
    return {"sourceLabels": [f"__meta_kubernetes_pod_label_{pod_label}"], "targetLabel": target}
