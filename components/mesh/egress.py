"""Hosts outside the mesh that a service may connect to; every other one is refused by its sidecar.

A service's name and arguments in, objects out. HTTPS only: the sidecar sees the host name of the TLS handshake, not the
calls. Not here: the mesh-wide refusal (istio_values.py, `outboundTrafficPolicy`).
"""

from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.args import MeshedMCPServiceArgs, ServiceSettings
from meshed_mcp.components.mesh.outside_args import HTTPS_PORT, OutsideHost, outside_hosts
from meshed_mcp.components.mesh.traffic import NETWORKING


def outside_entries(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """The declared hosts, known in the namespace only; none declared = no object.

    Source: Istio API, ServiceEntry.
    """
    by_port: dict[int, list[str]] = {}
    for host, port in declared_hosts(args):
        by_port.setdefault(port, []).append(host)
    titles = {port: f"{name}-egress" if port == HTTPS_PORT else f"{name}-egress-{port}" for port in by_port}
    return [
        outside_entry(titles[port], args.namespace, port, hosts, standard_labels(name))
        for port, hosts in sorted(by_port.items())
    ]


def declared_hosts(args: ServiceSettings) -> list[OutsideHost]:
    """Each host and port once: those of the stack, and where the keys of tokens come from."""
    return outside_hosts(list(dict.fromkeys([*args.egress_hosts, *key_hosts(args)])))


def outside_entry(
    title: str, namespace: str, port: int, hosts: list[str], labels: dict[str, str] | None = None
) -> Manifest:
    """Hosts at one port, as one namespace knows them; every host of an object has all of its ports."""
    spec = {
        "hosts": hosts,
        "ports": [{"number": port, "name": "tls", "protocol": "TLS"}],
        "location": "MESH_EXTERNAL",
        "resolution": "DNS",
        "exportTo": ["."],
    }
    return manifest(NETWORKING, "ServiceEntry", metadata(title, namespace, labels), spec)


def key_hosts(args: ServiceSettings) -> list[str]:
    """Where the keys of tokens come from, unless that is inside the cluster."""
    host = None if args.auth is None else args.auth.key_host
    return [] if host is None else [host]
