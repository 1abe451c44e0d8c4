"""NetworkPolicy of a meshed namespace that restricts its metrics ports to Prometheus.

Metrics bypass the mesh, so AuthorizationPolicies do not cover them; Istio authorizes every other port. Probes come from
the node, which no policy blocks. Source: Kubernetes, "Network Policies", `endPort`.
"""

from itertools import pairwise
from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import NAMESPACE_LABEL, PROMETHEUS_PODS, Manifest, manifest, metadata

NAME: Final = "metrics"
PROXY_METRICS_PORT: Final = 15090
MERGED_METRICS_PORT: Final = 15020
"""Series of the proxy, and series that its agent merges. Source: Istio, "Application Requirements"."""

SCRAPED: Final = (contract.MANAGEMENT_PORT, PROXY_METRICS_PORT, MERGED_METRICS_PORT)
LAST_PORT: Final = 65_535


def scrape_network_policy(namespace: str, monitoring: str) -> Manifest:
    """Ingress to all pods of `namespace`: metrics ports from Prometheus in `monitoring`, other ports from anywhere."""
    scraped = [{"protocol": "TCP", "port": port} for port in SCRAPED]
    spec = {
        "podSelector": {},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [prometheus_pods(monitoring)], "ports": scraped}, {"ports": other_ports()}],
    }
    return manifest("networking.k8s.io/v1", "NetworkPolicy", metadata(NAME, namespace), spec)


def metrics_only_network_policy(namespace: str, monitoring: str | None) -> Manifest:
    """Ingress to all pods of a namespace without a mesh: the management port from Prometheus, and nothing else.

    It denies by default; the policy of each service admits its callers.
    """
    port = {"ports": [{"protocol": "TCP", "port": contract.MANAGEMENT_PORT}]}
    spec = {
        "podSelector": {},
        "policyTypes": ["Ingress"],
        "ingress": [port if monitoring is None else {"from": [prometheus_pods(monitoring)], **port}],
    }
    return manifest("networking.k8s.io/v1", "NetworkPolicy", metadata(NAME, namespace), spec)


def prometheus_pods(monitoring: str) -> Manifest:
    """Peer of the pods that scrape, in the namespace of monitoring."""
    return {
        "namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: monitoring}},
        "podSelector": {"matchLabels": PROMETHEUS_PODS},
    }


def other_ports() -> list[Manifest]:
    """Every port except the metrics ports."""
    bounds = pairwise([0, *sorted(SCRAPED), LAST_PORT + 1])
    between = [(before + 1, after - 1) for before, after in bounds if after - before > 1]
    tcp = [{"protocol": "TCP", "port": first, "endPort": last} for first, last in between]
    return [*tcp, {"protocol": "UDP", "port": 1, "endPort": LAST_PORT}]
