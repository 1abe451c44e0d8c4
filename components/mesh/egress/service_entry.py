"""ServiceEntries for the external hosts of a service, TLS only: the sidecar sees SNIs and blocks every other host."""

from collections.abc import Iterable

from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.egress.destinations import HTTPS_PORT, ExternalHost, external_hosts
from meshed_mcp.components.mesh.routing.virtual_service import NETWORKING
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs, ServiceSettings


def service_entries(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """ServiceEntries exported to the namespace only; empty without declared hosts.

    A host is in one entry with all of its ports: with two entries for a host, proxies lose the ports of one.
    Source: Istio API, ServiceEntry.
    """
    by_ports: dict[tuple[int, ...], list[str]] = {}
    for host, ports in ports_by_host(declared_hosts(args)).items():
        by_ports.setdefault(ports, []).append(host)
    found = list[Manifest]()
    for ports, hosts in sorted(by_ports.items()):
        title = "-".join([name, "egress", *(map(str, ports) if ports != (HTTPS_PORT,) else ())])
        found.append(service_entry_manifest(title, args.namespace, ports, hosts, standard_labels(name)))
    return found


def ports_by_host(hosts: Iterable[ExternalHost]) -> dict[str, tuple[int, ...]]:
    """Host -> its ports, sorted."""
    found: dict[str, set[int]] = {}
    for host, port in hosts:
        found.setdefault(host, set()).add(port)
    return {host: tuple(sorted(ports)) for host, ports in found.items()}


def declared_hosts(args: ServiceSettings) -> list[ExternalHost]:
    """External hosts of the service, each once: `egress_hosts` and the host of its issuer's keys."""
    keys = [] if args.auth is None or args.auth.key_host is None else [args.auth.key_host]
    return external_hosts(list(dict.fromkeys([*args.egress_hosts, *keys])))


def service_entry_manifest(
    name: str, namespace: str, ports: tuple[int, ...], hosts: list[str], labels: dict[str, str] | None = None
) -> Manifest:
    """A ServiceEntry of one namespace; every host of it has all of its ports."""
    names = ["tls"] if len(ports) == 1 else [f"tls-{port}" for port in ports]
    listed = [{"number": port, "name": each, "protocol": "TLS"} for port, each in zip(ports, names, strict=True)]
    external = {"location": "MESH_EXTERNAL", "resolution": "DNS", "exportTo": ["."]}
    spec = {"hosts": hosts, "ports": listed, **external}
    return manifest(NETWORKING, "ServiceEntry", metadata(name, namespace, labels), spec)
