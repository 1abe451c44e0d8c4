"""All objects of one MCP server in ambient mode: the waypoint routes and authorizes, ztunnel encrypts.

A request passes the caller's ztunnel, the waypoint, and the ztunnel of the server's node. Pods accept requests only
from their waypoint, so its authorization cannot be bypassed.
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.ambient import routes
from meshed_mcp.components.mesh.ambient.waypoint import USE_WAYPOINT, WAYPOINT
from meshed_mcp.components.mesh.authorization.external import external_authorization
from meshed_mcp.components.mesh.authorization.policy import SECURITY_API, caller_rules, runtime_rejects_tokens
from meshed_mcp.components.mesh.authorization.tokens import request_authentication
from meshed_mcp.components.mesh.cluster.access_log import service_access_log
from meshed_mcp.components.mesh.cluster.extensions import service_extensions
from meshed_mcp.components.mesh.egress.network_policy import network_policy
from meshed_mcp.components.mesh.egress.proxy import proxy_entries
from meshed_mcp.components.mesh.egress.service_entry import service_entries
from meshed_mcp.components.mesh.routing.destination_rule import destination_rule
from meshed_mcp.components.mesh.routing.rollout_args import NoRollout
from meshed_mcp.components.mesh.routing.virtual_service import NETWORKING, ingress_route_manifests, mesh_route
from meshed_mcp.components.mesh.service import workload
from meshed_mcp.components.mesh.service.addresses import principal, service_host
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs
from meshed_mcp.components.mesh.service.pod_monitor import pod_monitors
from meshed_mcp.error_codes.mesh import WAYPOINT_ROUTE_UNSUPPORTED

SIDECAR_PREFIXES: Final = (
    "sidecar.istio.io/",
    "traffic.sidecar.istio.io/",
    "prometheus.istio.io/",
    "proxy.istio.io/",
    "istio.io/rev",
)
"""Prefixes of annotations and labels that only the sidecar injector reads."""


def ambient_manifests(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """All objects of the service; policies and routes come before the pods."""
    ingress = ambient_ingress_routes(name, args)
    running = workload.versions(name, args)
    selected = waypoint_authentication(name, args) + external_authorization(name, args) + service_access_log(name, args)
    return [
        *workload.service_account(name, args),
        *(at_waypoint(item, name) for item in selected),
        waypoint_authorization_policy(name, args),
        pod_authorization_policy(name, args),
        *([management_port_peer_authentication(name, args)] if args.has_runtime else []),
        *(version_destination_rule(name, args, version) for version in running),
        routes.http_route(name, args.namespace, waypoint_rules(name, args), contract.MCP_PORT),
        *ingress,
        *service_extensions(name, args.namespace, args.extensions, at_waypoint=True),
        *service_entries(name, args),
        *proxy_entries(name, args),
        *network_policy(name, args),
        routed_service(name, args),
        *routes.version_services(name, workload.service(name, args), [version.label for version in running]),
        workload.pod_disruption_budget(name, args),
        *(without_sidecar(workload.deployment(name, args, version)) for version in running),
        *pod_monitors(name, args),
    ]


def routed_service(name: str, args: MeshedMCPServiceArgs) -> Manifest:
    """The Service, labeled for the waypoint."""
    item = workload.service(name, args)
    meta = item["metadata"]
    return item | {"metadata": {**meta, "labels": meta["labels"] | USE_WAYPOINT}}


def waypoint_rules(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """Rules of the mesh route with destinations. Raises ValueError with the fields that HTTPRoute does not support.

    Direct responses are left out: the runtime challenges callers in the mesh without a token, the gateway external
    ones; a server without the runtime has a policy at the waypoint, whose response is 403.
    """
    rules = [rule for rule in mesh_route(name, args)["spec"]["http"] if "route" in rule]
    if unknown := routes.unsupported_fields(rules):
        raise WAYPOINT_ROUTE_UNSUPPORTED.error(name=name, fields=", ".join(unknown))
    return rules


def waypoint_authentication(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """Token validation at the waypoint, for a server without the runtime and for claims in headers.

    Otherwise the runtime alone validates: the waypoint's response to an invalid token names no metadata.
    """
    copies_claims = args.auth is not None and bool(args.auth.claims_to_headers)
    return request_authentication(name, args) if copies_claims or not runtime_rejects_tokens(args) else []


def at_waypoint(item: Manifest, name: str) -> Manifest:
    """A policy that selects pods, attached to its Service at the waypoint. Source: Istio API, `targetRefs`."""
    rest = {field: value for field, value in item["spec"].items() if field != "selector"}
    return item | {"spec": {**service_target(name), **rest}}


def service_target(name: str) -> Manifest:
    """`targetRefs` to the Service, for policies that apply at its waypoint."""
    return {"targetRefs": [{"group": "", "kind": "Service", "name": name}]}


def waypoint_authorization_policy(name: str, args: MeshedMCPServiceArgs) -> Manifest:
    """AuthorizationPolicy of paths and tools, by the identity of the caller's connection to the waypoint.

    Source: Istio, "Use Layer 7 features", AuthorizationPolicy with `targetRefs` to a Service.
    """
    rules = caller_rules(name, args)
    spec = {**service_target(name), "action": "ALLOW", **({"rules": rules} if rules else {})}
    return manifest(SECURITY_API, "AuthorizationPolicy", metadata(name, args.namespace), spec)


def pod_authorization_policy(name: str, args: MeshedMCPServiceArgs) -> Manifest:
    """AuthorizationPolicy of the pods in ztunnel: the waypoint to the MCP port, every client to the management port.

    It has identities and ports only, because ztunnel reads no HTTP. Source: Istio, "Use Layer 4 security policy".
    """
    waypoint = principal(WAYPOINT, args.namespace, args.trust_domain)
    endpoint = {"operation": {"ports": [str(args.endpoint_port)]}}
    rules = [{"from": [{"source": {"principals": [waypoint]}}], "to": [endpoint]}]
    if args.has_runtime:
        rules.append({"to": [{"operation": {"ports": [str(contract.MANAGEMENT_PORT)]}}]})
    spec = {"selector": {"matchLabels": {contract.LABEL_APP: name}}, "action": "ALLOW", "rules": rules}
    meta = metadata(f"{name}-pods", args.namespace, standard_labels(name))
    return manifest(SECURITY_API, "AuthorizationPolicy", meta, spec)


def management_port_peer_authentication(name: str, args: MeshedMCPServiceArgs) -> Manifest:
    """Strict mutual TLS, but plain HTTP for Prometheus on the management port. Source: Istio, `portLevelMtls`."""
    spec = {
        "selector": {"matchLabels": {contract.LABEL_APP: name}},
        "mtls": {"mode": "STRICT"},
        "portLevelMtls": {str(contract.MANAGEMENT_PORT): {"mode": "PERMISSIVE"}},
    }
    meta = metadata(f"{name}-management", args.namespace, standard_labels(name))
    return manifest(SECURITY_API, "PeerAuthentication", meta, spec)


def version_destination_rule(name: str, args: MeshedMCPServiceArgs, version: workload.Version) -> Manifest:
    """DestinationRule of a version's Service: the policy of sidecar mode without TLS, which ztunnel provides."""
    service_of_version = routes.version_service_name(name, version.label)
    policy = dict(destination_rule(name, args)["spec"]["trafficPolicy"])
    del policy["tls"]
    spec = {"host": service_host(service_of_version, args), "trafficPolicy": policy}
    meta = metadata(service_of_version, args.namespace, standard_labels(name))
    return manifest(NETWORKING, "DestinationRule", meta, spec)


def ambient_ingress_routes(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """VirtualServices of the gateway, to the whole Service; the waypoint selects the version."""
    single = args.model_copy(update={"rollout": NoRollout(), "pools": {}, "tools": {}})
    return [_to_waypoint(route) for route in ingress_route_manifests(name, single)]


def _to_waypoint(route: Manifest) -> Manifest:
    rules = [
        {**rule, **({"route": [_without_subset(target) for target in rule["route"]]} if "route" in rule else {})}
        for rule in route["spec"]["http"]
    ]
    return route | {"spec": {**route["spec"], "http": rules}}


def _without_subset(target: Manifest) -> Manifest:
    return {"destination": {key: value for key, value in target["destination"].items() if key != "subset"}}


def without_sidecar(item: Manifest) -> Manifest:
    """The Deployment without labels and annotations for the sidecar injector."""
    template = item["spec"]["template"]
    kept = {
        field: {key: value for key, value in texts.items() if not key.startswith(SIDECAR_PREFIXES)}
        for field, texts in template["metadata"].items()
    }
    meta = {field: texts for field, texts in kept.items() if texts}
    return item | {"spec": {**item["spec"], "template": {**template, "metadata": meta}}}
