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
    return [_entry(name, args, port, hosts) for port, hosts in sorted(by_port.items())]


def declared_hosts(args: ServiceSettings) -> list[OutsideHost]:
    """Each host and port once: those of the stack, and where the keys of tokens come from."""
    return outside_hosts(list(dict.fromkeys([*args.egress_hosts, *key_hosts(args)])))


def _entry(name: str, args: MeshedMCPServiceArgs, port: int, hosts: list[str]) -> Manifest:
    """One object per port: every host of an object has all of its ports."""
    title = f"{name}-egress" if port == HTTPS_PORT else f"{name}-egress-{port}"
    spec = {
        "hosts": hosts,
        "ports": [{"number": port, "name": "tls", "protocol": "TLS"}],
        "location": "MESH_EXTERNAL",
        "resolution": "DNS",
        "exportTo": ["."],
    }
    meta = metadata(title, args.namespace, standard_labels(name))
    return manifest(NETWORKING, "ServiceEntry", meta, spec)


def key_hosts(args: ServiceSettings) -> list[str]:
    """Where the keys of tokens come from, unless that is inside the cluster."""
    host = None if args.auth is None else args.auth.key_host
    return [] if host is None else [host]
