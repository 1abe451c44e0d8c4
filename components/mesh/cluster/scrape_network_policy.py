"""NetworkPolicy of a meshed namespace: its metrics are for Prometheus alone. Namespaces in, one object out.

Metrics bypass the mesh and its identities, so the NetworkPolicy names who may scrape. Istio judges every other port;
probes come from the node, which no policy stops. The policy also opens the way in where the namespace denies by
default. Source: Kubernetes, "Network Policies", `endPort`.
"""

from itertools import pairwise
from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import NAMESPACE_LABEL, PROMETHEUS_PODS, Manifest, manifest, metadata

NAME: Final = "metrics"
PROXY_METRICS_PORT: Final = 15090
MERGED_METRICS_PORT: Final = 15020
"""A proxy's own series, and those its agent merges. Source: Istio, "Application Requirements", ports used by Istio."""

SCRAPED: Final = (contract.MANAGEMENT_PORT, PROXY_METRICS_PORT, MERGED_METRICS_PORT)
LAST_PORT: Final = 65_535


def scrape_policy(namespace: str, monitoring: str) -> Manifest:
    """All pods of `namespace`: three ports for the Prometheus of the namespace `monitoring`, the rest for everybody."""
    place = {"namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: monitoring}}}
    scraper = place | {"podSelector": {"matchLabels": PROMETHEUS_PODS}}
    scraped = [{"protocol": "TCP", "port": port} for port in SCRAPED]
    spec = {
        "podSelector": {},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [scraper], "ports": scraped}, {"ports": other_ports()}],
    }
    return manifest("networking.k8s.io/v1", "NetworkPolicy", metadata(NAME, namespace), spec)


def other_ports() -> list[Manifest]:
    """Every port but those."""
    bounds = pairwise([0, *sorted(SCRAPED), LAST_PORT + 1])
    between = [(before + 1, after - 1) for before, after in bounds if after - before > 1]
    tcp = [{"protocol": "TCP", "port": first, "endPort": last} for first, last in between]
    return [*tcp, {"protocol": "UDP", "port": 1, "endPort": LAST_PORT}]
