"""ServiceEntries as what a sidecar's HTTP proxy lets through: CONNECT to declared hosts and ports, nothing else. Pure.

A process gets outside by HTTPS_PROXY = its sidecar; in a cluster the sidecar reads the host from the TLS handshake.
"""

from collections.abc import Iterator

from meshed_mcp.local.translate.envoy.api import Message
from meshed_mcp.local.translate.envoy.clusters import CONNECT_TIMEOUT, endpoints, visible
from meshed_mcp.local.translate.envoy.routes import NO_TIMEOUT
from meshed_mcp.local.translate.topology import Topology


def egress_clusters(topology: Topology, namespace: str) -> list[Message]:
    """A cluster per host and port that a client in `namespace` may reach; Envoy resolves the name."""
    return [
        {
            "name": name,
            "type": "STRICT_DNS",
            "dns_lookup_family": "V4_ONLY",  # source: istiod, for proxies whose own addresses are IPv4
            "connect_timeout": CONNECT_TIMEOUT,
            "wait_for_warm_on_init": False,  # a host that cannot be resolved here must not hold the start up
            "load_assignment": endpoints(name, [(host, port)]),
        }
        for name, host, port in _outside(topology, namespace)
    ]


def egress_virtual_hosts(topology: Topology, namespace: str) -> list[Message]:
    """A virtual host per host and port, for CONNECT alone."""
    return [
        {
            "name": name,
            "domains": [f"{host}:{port}"],
            "routes": [
                {
                    "match": {"connect_matcher": {}},
                    "route": {
                        "cluster": name,
                        "timeout": NO_TIMEOUT,
                        "upgrade_configs": [{"upgrade_type": "CONNECT", "connect_config": {}}],
                    },
                },
            ],
        }
        for name, host, port in _outside(topology, namespace)
    ]


def _outside(topology: Topology, namespace: str) -> Iterator[tuple[str, str, int]]:
    """Name of the cluster as istiod writes it, host, port; each pair once."""
    found = {
        (host, port.number): f"outbound|{port.number}||{host}"
        for entry in topology.stack.service_entries
        if visible(entry.spec.export_to, entry.namespace, namespace)
        for host in entry.spec.hosts
        for port in entry.spec.ports
    }
    for (host, number), name in found.items():
        yield name, host, number
