"""What the sidecar of a service knows of the mesh: its callees, the registry, the collector, and hosts outside.

A service's name and arguments in, objects out. Every sidecar that knows everything costs memory and configuration for
every service of the cluster, and can be sent everywhere. Who calls whom is worked out in infra/plan.py. Not here: the
refusal of hosts that are unknown (mesh/cluster/istio_releases.py, `outboundTrafficPolicy`).
"""

from typing import Final
from urllib.parse import urlsplit

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.mesh.cluster.args import EGRESS_NAMESPACE
from meshed_mcp.components.mesh.egress.external_hosts import is_inside
from meshed_mcp.components.mesh.egress.service_entry import declared_hosts
from meshed_mcp.components.mesh.routing.virtual_service import NETWORKING
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs

EGRESS_SERVICE: Final = "istio-egress"
"""The egress gateway's Service. Source: Istio chart `gateway`: the release's name."""

NOTHING: Final = "~/*"
"""Source: Istio API, IstioEgressListener `hosts`: the namespace `~` imports none."""


def imported(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """The Sidecar object of a service whose callees are known; otherwise its proxy goes on knowing everything.

    Source: Istio API, Sidecar.
    """
    if args.sidecar_egress_hosts is None:
        return []
    spec = {
        "workloadSelector": {"labels": {contract.LABEL_APP: name}},
        "egress": [{"hosts": imported_hosts(args) or [NOTHING]}],
    }
    return [manifest(NETWORKING, "Sidecar", metadata(name, args.namespace), spec)]


def imported_hosts(args: MeshedMCPServiceArgs) -> list[str]:
    """Each host once, as "namespace/host"; `.` is the service's own namespace."""
    given = [_service(each, args) for each in [*(args.sidecar_egress_hosts or []), *args.cluster_dependencies]]
    outside = [f"./{host}" for host, _ in declared_hosts(args)]
    if outside and args.egress_gateway:
        outside.append(_service(f"{EGRESS_NAMESPACE}/{EGRESS_SERVICE}", args))
    inside = [url.hostname for url in map(urlsplit, _urls(args)) if url.hostname and is_inside(url.hostname)]
    return list(dict.fromkeys([*given, *(_service(_reference(host, args), args) for host in inside), *outside]))


def _urls(args: MeshedMCPServiceArgs) -> list[str]:
    """Addresses that the server is told; those that are only known once the cluster is there cannot be imported."""
    keys = [] if args.auth is None else [args.auth.jwks_url]
    if args.rate_limits.shared.any and args.rate_limit_service is not None:
        keys.append(f"http://{args.rate_limit_service.host}")
    return [url for url in (args.registry_url, args.otlp_endpoint, *args.logs.urls, *keys) if isinstance(url, str)]


def _reference(host: str, args: MeshedMCPServiceArgs) -> str:
    """`namespace/service` of a host inside the cluster, however much of its name is written."""
    service, *rest = host.split(".")
    return f"{rest[0] if rest else args.namespace}/{service}"


def _service(reference: str, args: MeshedMCPServiceArgs) -> str:
    namespace, _, service = reference.rpartition("/")
    place = namespace or args.namespace
    host = "*" if service == "*" else f"{service}.{place}.svc.{args.cluster_domain}"
    return f"{'.' if place == args.namespace else place}/{host}"
