"""ServiceEntries for the external hosts of a service: the sidecar sees their names in TLS and blocks every other host.

Only the `url` of a remote server may be plain HTTP, in development.
"""

from collections.abc import Iterable

from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.authorization.token_args import TokenSettings
from meshed_mcp.components.mesh.egress.destinations import HTTPS_PORT, ExternalHost, external_hosts
from meshed_mcp.components.mesh.egress.proxy_args import direct_hosts
from meshed_mcp.components.mesh.routing.virtual_service import NETWORKING
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs, ServiceSettings
from meshed_mcp.components.mesh.service.call_args import call_hosts, token_hosts
from meshed_mcp.components.mesh.service.package_args import package_of
from meshed_mcp.components.mesh.service.remote_url import remote_host


def service_entries(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """ServiceEntries exported to the namespace only, for hosts reached without a proxy; empty without such hosts.

    A host is in one entry with all of its ports: with two entries for a host, proxies lose the ports of one.
    Source: Istio API, ServiceEntry.
    """
    declared = direct_hosts(declared_hosts(args), args.egress_proxy)
    by_ports: dict[tuple[tuple[int, ...], tuple[int, ...]], list[str]] = {}
    for host, ports in ports_by_host(declared).items():
        plain = tuple(sorted(each.port for each in declared if each.host == host and each.plain))
        by_ports.setdefault((ports, plain), []).append(host)
    found = list[Manifest]()
    for (ports, plain), hosts in sorted(by_ports.items()):
        suffix = [*(["http"] if plain else []), *(map(str, ports) if ports != (HTTPS_PORT,) else ())]
        title = "-".join([name, "egress", *suffix])
        found.append(service_entry_manifest(title, args.namespace, ports, hosts, standard_labels(name), plain))
    return found


def ports_by_host(hosts: Iterable[ExternalHost]) -> dict[str, tuple[int, ...]]:
    """Host -> its ports, sorted."""
    found: dict[str, set[int]] = {}
    for host, port, _ in hosts:
        found.setdefault(host, set()).add(port)
    return {host: tuple(sorted(ports)) for host, ports in found.items()}


def declared_hosts(args: ServiceSettings) -> list[ExternalHost]:
    """External hosts of the service, each once: `egress_hosts`, those of its source, its issuer's keys and calls."""
    keys = [] if args.auth is None else key_hosts(args.auth)
    tokens = [] if args.outbound_auth is None else token_hosts([args.outbound_auth])
    credentials = [] if args.user_credentials is None else args.user_credentials.hosts
    called = [*call_hosts(args.calls), *tokens, *credentials]
    return list(dict.fromkeys([*external_hosts(args.egress_hosts), *keys, *source_hosts(args), *called]))


def key_hosts(auth: TokenSettings) -> list[ExternalHost]:
    """External hosts of issuers' keys, without keys that are given or in the cluster."""
    return external_hosts(auth.key_hosts)


def source_hosts(args: ServiceSettings) -> list[ExternalHost]:
    """External hosts of the remote server, or of the registry that a package comes from."""
    if args.url is not None:
        return [remote_host(args.url)]
    return [] if args.package is None else package_of(args.package).hosts({*args.env, *args.secret_env})


def service_entry_manifest(
    name: str,
    namespace: str,
    ports: tuple[int, ...],
    hosts: list[str],
    labels: dict[str, str] | None = None,
    plain: tuple[int, ...] = (),
) -> Manifest:
    """A ServiceEntry of one namespace; every host of it has all of its ports, of which `plain` are without TLS."""
    protocols = ["HTTP" if port in plain else "TLS" for port in ports]
    suffixes = [""] if len(ports) == 1 else [f"-{port}" for port in ports]
    listed = [
        {"number": port, "name": f"{protocol.lower()}{suffix}", "protocol": protocol}
        for port, protocol, suffix in zip(ports, protocols, suffixes, strict=True)
    ]
    external = {"location": "MESH_EXTERNAL", "resolution": "DNS", "exportTo": ["."]}
    spec = {"hosts": hosts, "ports": listed, **external}
    return manifest(NETWORKING, "ServiceEntry", metadata(name, namespace, labels), spec)
