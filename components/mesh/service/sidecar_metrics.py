"""Metrics of the sidecar of a server without the runtime: which a pod's proxy exports, and which are stored.

A proxy exports none of them by default. Source: Istio, ProxyConfig `proxyStatsMatcher` and "Resource Annotations".
"""

import json
from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster.proxy_config import CONNECTION_STATS, PROXY_CONFIG_ANNOTATION

INBOUND: Final = "inbound[|].*"
"""Pattern of the Envoy clusters that are the pod's own ports. Source: istiod, names of inbound clusters."""

EXPORTED: Final = f"cluster[.]({INBOUND}|{contract.STREAMS_CLUSTER});[.]upstream_rq_(active|time|[1-5]xx)"
"""Pattern of Envoy's names of the statistics that the platform reads."""

STORED: Final = (
    f"({contract.METRIC_PROXY_ACTIVE};.*)|"
    f"({contract.METRIC_PROXY_RESPONSES}|{contract.METRIC_PROXY_DURATION}_bucket);{INBOUND}"
)
"""Pattern of the series that are stored, as name and Envoy cluster: of streams only their number. A last bucket is the
count of a histogram, and nothing reads its sum."""

BUCKETS_PREFIX: Final = "cluster.inbound|"
"""Prefix of the statistics whose histograms have the buckets of the runtime's duration."""


def export_annotations(common: Manifest) -> dict[str, str]:
    """Annotations of a pod whose sidecar exports the metrics, durations in the buckets of the runtime's.

    The pod's matcher replaces that of the mesh, so it repeats the mesh's patterns. In an existing mesh `common` is the
    whole configuration of the proxy, otherwise it is empty.
    """
    matcher = {"proxyStatsMatcher": {"inclusionRegexps": [*CONNECTION_STATS, EXPORTED]}}
    milliseconds = [round(seconds * 1000) for seconds in contract.DURATION_BUCKETS_SECONDS]
    return {
        PROXY_CONFIG_ANNOTATION: json.dumps(common | matcher),
        "sidecar.istio.io/statsHistogramBuckets": json.dumps({BUCKETS_PREFIX: milliseconds}),
    }


def stored_only() -> Manifest:
    """Relabeling that stores only the series that something reads."""
    return {"action": "keep", "sourceLabels": ["__name__", contract.LABEL_CLUSTER], "regex": STORED}
