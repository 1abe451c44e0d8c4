"""Sidecar object of a service: its proxy knows declared hosts only, which saves memory and limits what it can reach."""

from typing import Final
from urllib.parse import urlsplit

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.mesh.cluster.args import EGRESS_NAMESPACE, OutboundPolicy
from meshed_mcp.components.mesh.egress.destinations import is_internal_host
from meshed_mcp.components.mesh.egress.proxy import entry_host, proxy_of
from meshed_mcp.components.mesh.egress.proxy_args import direct_hosts
from meshed_mcp.components.mesh.egress.service_entry import declared_hosts
from meshed_mcp.components.mesh.routing.virtual_service import NETWORKING
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.components.mesh.service.call_args import token_urls
from meshed_mcp.components.mesh.service.validation import API_SERVER

EGRESS_SERVICE: Final = "istio-egress"
"""The egress gateway's Service. Source: Istio chart `gateway`: the release's name."""

EVERY_HOST: Final = "*/*"
NO_HOSTS: Final = "~/*"
"""No host at all. Source: Istio API, IstioEgressListener `hosts`, namespace `~`."""


def sidecars(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """The Sidecar of a service with known destinations; without them the proxy keeps every service of the mesh."""
    if args.sidecar_egress_hosts is None:
        return []
    egress = [{"hosts": sidecar_hosts(args) or [NO_HOSTS]}]
    outbound = {} if args.existing_mesh is None else outbound_policy(args.existing_mesh.outbound)
    spec = {"workloadSelector": {"labels": {contract.LABEL_APP: name}}, "egress": egress, **outbound}
    return [manifest(NETWORKING, "Sidecar", metadata(name, args.namespace), spec)]


def registry_only(namespace: str, outbound: OutboundPolicy) -> Manifest:
    """The Sidecar of a namespace's other pods in an existing mesh, for its egress policy alone."""
    spec = {"egress": [{"hosts": [EVERY_HOST]}], **outbound_policy(outbound)}
    return manifest(NETWORKING, "Sidecar", metadata("default", namespace), spec)


def outbound_policy(outbound: OutboundPolicy) -> Manifest:
    """Field of a Sidecar that overrides the MeshConfig. Source: Istio API, Sidecar `outboundTrafficPolicy`."""
    return {"outboundTrafficPolicy": {"mode": outbound.value}}


def sidecar_hosts(args: MeshedMCPServiceArgs) -> list[str]:
    """`egress.hosts` of the Sidecar: "namespace/host", each once; `.` is the namespace of the service."""
    api_server = [API_SERVER] if args.service_account.token else []
    places = [*(args.sidecar_egress_hosts or []), *args.cluster_dependencies, *api_server]
    given = [_service(each, args) for each in places]
    hosts = direct_hosts(declared_hosts(args), args.egress_proxy)
    outside = list(dict.fromkeys(f"./{each.host}" for each in hosts))
    if outside and args.egress_gateway:
        outside.append(_service(f"{EGRESS_NAMESPACE}/{EGRESS_SERVICE}", args))
    if (proxy := proxy_of(args)) is not None:
        outside.append(f"./{entry_host(proxy)}")
    inside = [url.hostname for url in map(urlsplit, _urls(args)) if url.hostname and is_internal_host(url.hostname)]
    return list(dict.fromkeys([*given, *(_service(_reference(host, args), args) for host in inside), *outside]))


def _urls(args: MeshedMCPServiceArgs) -> list[str]:
    """URLs in the server's environment; an output that is unknown before the deployment is left out."""
    keys = [] if args.auth is None else list(args.auth.fetched_urls)
    keys += token_urls([*args.calls.values(), *([] if args.outbound_auth is None else [args.outbound_auth])])
    keys += [] if args.user_credentials is None else args.user_credentials.service_urls
    if args.rate_limits.shared.rates and args.rate_limit_service is not None:
        keys.append(f"http://{args.rate_limit_service.host}")
    return [url for url in (args.registry_url, args.otlp_endpoint, *args.logs.urls, *keys) if isinstance(url, str)]


def _reference(host: str, args: MeshedMCPServiceArgs) -> str:
    """`namespace/service` of a host inside the cluster, from its short or full name."""
    service, *rest = host.split(".")
    return f"{rest[0] if rest else args.namespace}/{service}"


def _service(reference: str, args: MeshedMCPServiceArgs) -> str:
    namespace, _, service = reference.rpartition("/")
    namespace = namespace or args.namespace
    host = "*" if service == "*" else f"{service}.{namespace}.svc.{args.cluster_domain}"
    return f"{'.' if namespace == args.namespace else namespace}/{host}"
