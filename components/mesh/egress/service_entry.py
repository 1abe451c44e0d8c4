"""Hosts outside the mesh that a service may connect to; every other one is refused by its sidecar.

A service's name and arguments in, objects out. HTTPS only: the sidecar sees the host name of the TLS handshake, not the
calls. Not here: the mesh-wide refusal (mesh/cluster/istio_releases.py, `outboundTrafficPolicy`).
"""

from collections.abc import Iterable

from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.egress.external_hosts import HTTPS_PORT, ExternalHost, external_hosts
from meshed_mcp.components.mesh.routing.virtual_service import NETWORKING
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs, ServiceSettings


def service_entries(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """The declared hosts, known in the namespace only; none declared = no object.

    A host is in one entry with all of its ports: of two entries for one host, proxies lose the ports of one.
    Source: Istio API, ServiceEntry.
    """
    by_ports: dict[tuple[int, ...], list[str]] = {}
    for host, ports in ports_by_host(declared_hosts(args)).items():
        by_ports.setdefault(ports, []).append(host)
    return [
        service_entry_manifest(_title(name, ports), args.namespace, ports, hosts, standard_labels(name))
        for ports, hosts in sorted(by_ports.items())
    ]


def ports_by_host(hosts: Iterable[ExternalHost]) -> dict[str, tuple[int, ...]]:
    """Each host with all of its ports, in order."""
    found: dict[str, set[int]] = {}
    for host, port in hosts:
        found.setdefault(host, set()).add(port)
    return {host: tuple(sorted(ports)) for host, ports in found.items()}


def _title(name: str, ports: tuple[int, ...]) -> str:
    return "-".join([name, "egress", *(map(str, ports) if ports != (HTTPS_PORT,) else ())])


def declared_hosts(args: ServiceSettings) -> list[ExternalHost]:
    """Each host and port once: those of the stack, and where the keys of tokens come from."""
    return external_hosts(list(dict.fromkeys([*args.egress_hosts, *key_hosts(args)])))


def service_entry_manifest(
    title: str, namespace: str, ports: tuple[int, ...], hosts: list[str], labels: dict[str, str] | None = None
) -> Manifest:
    """Hosts at the same ports, as one namespace knows them; every host of an object has all of its ports."""
    names = ["tls"] if len(ports) == 1 else [f"tls-{port}" for port in ports]
    spec = {
        "hosts": hosts,
        "ports": [{"number": port, "name": name, "protocol": "TLS"} for port, name in zip(ports, names, strict=True)],
        "location": "MESH_EXTERNAL",
        "resolution": "DNS",
        "exportTo": ["."],
    }
    return manifest(NETWORKING, "ServiceEntry", metadata(title, namespace, labels), spec)


def key_hosts(args: ServiceSettings) -> list[str]:
    """Where the keys of tokens come from, unless that is inside the cluster."""
    host = None if args.auth is None else args.auth.key_host
    return [] if host is None else [host]
