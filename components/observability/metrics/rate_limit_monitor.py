"""PodMonitor of the mesh's rate limit service, in whichever namespace it runs. A namespace in, one object out.

Not here: the service itself (`components/mesh/rate_limit/server.py`). In a cluster without it the monitor finds no pod.
"""

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.core.scraping import PROXY_SECONDS


def rate_limit_monitor(namespace: str) -> Manifest:
    """Scrapes the management port, which the sidecar leaves alone."""
    endpoint = {"port": contract.MANAGEMENT_PORT_NAME, "interval": f"{PROXY_SECONDS}s"}
    spec = {
        "selector": {"matchLabels": {contract.LABEL_APP: contract.RATE_LIMIT_NAME}},
        "namespaceSelector": {"any": True},
        "podMetricsEndpoints": [endpoint],
    }
    return manifest("monitoring.coreos.com/v1", "PodMonitor", metadata(contract.RATE_LIMIT_NAME, namespace), spec)
