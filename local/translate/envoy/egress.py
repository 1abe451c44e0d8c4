"""ServiceEntries as CONNECT routes of a sidecar to external hosts. Pure.

A process uses its sidecar as HTTPS_PROXY; in a cluster the sidecar reads the host from the TLS handshake.
"""

from collections.abc import Iterator

from meshed_mcp.local.translate.envoy.api import Message
from meshed_mcp.local.translate.envoy.clusters import CONNECT_TIMEOUT, endpoints, visible
from meshed_mcp.local.translate.envoy.routes import NO_TIMEOUT
from meshed_mcp.local.translate.topology import Topology


def egress_clusters(topology: Topology, namespace: str) -> list[Message]:
    """A cluster per host and port that is exported to `namespace`; Envoy resolves the host."""
    return [
        {
            "name": name,
            "type": "STRICT_DNS",
            "dns_lookup_family": "V4_ONLY",  # source: istiod, for proxies whose own addresses are IPv4
            "connect_timeout": CONNECT_TIMEOUT,
            "wait_for_warm_on_init": False,  # do not wait for DNS at startup
            "load_assignment": endpoints(name, [(host, port)]),
        }
        for name, host, port in _external_hosts(topology, namespace)
    ]


def egress_virtual_hosts(topology: Topology, namespace: str) -> list[Message]:
    """A virtual host per host and port for CONNECT."""
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
        for name, host, port in _external_hosts(topology, namespace)
    ]


def _external_hosts(topology: Topology, namespace: str) -> Iterator[tuple[str, str, int]]:
    """Cluster name as in istiod, host, port; each pair once."""
    pairs = dict.fromkeys(
        (host, port.number)
        for entry in topology.stack.service_entries
        if visible(entry.spec.export_to, entry.namespace, namespace)
        for host in entry.spec.hosts
        for port in entry.spec.ports
    )
    for host, number in pairs:
        yield f"outbound|{number}||{host}", host, number
