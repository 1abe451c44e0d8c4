"""All objects of one MCP server where pods have no sidecars: the waypoint routes and allows, ztunnel encrypts.

A service's name and arguments in, objects out. A call goes caller's ztunnel, waypoint, ztunnel of the server's node:
the waypoint judges who may call what, and the pod takes calls of its waypoint alone, so nobody can pass it by.
Not here: sidecar mode (mesh/service/manifests.py), the waypoint itself (waypoint.py), what is refused (validation.py).
"""

from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.ambient.routes import http_route, unsupported, version_service_name, version_services
from meshed_mcp.components.mesh.ambient.waypoint import USE_WAYPOINT, WAYPOINT
from meshed_mcp.components.mesh.authorization.external import external_authorization
from meshed_mcp.components.mesh.authorization.policy import SECURITY_API, caller_rules
from meshed_mcp.components.mesh.authorization.tokens import request_authentication
from meshed_mcp.components.mesh.cluster.access_log import service_access_log
from meshed_mcp.components.mesh.cluster.extensions import service_extensions
from meshed_mcp.components.mesh.egress.network_policy import network_policy
from meshed_mcp.components.mesh.egress.service_entry import service_entries
from meshed_mcp.components.mesh.routing.destination_rule import destination_rule
from meshed_mcp.components.mesh.routing.rollout_args import NoRollout
from meshed_mcp.components.mesh.routing.virtual_service import NETWORKING, ingress_route, mesh_route
from meshed_mcp.components.mesh.service.addresses import principal, service_host
from meshed_mcp.components.mesh.service.args import IngressRef, MeshedMCPServiceArgs
from meshed_mcp.components.mesh.service.pod_monitor import pod_monitor
from meshed_mcp.components.mesh.service.workload import (
    Version,
    deployment,
    pod_disruption_budget,
    service,
    service_account,
    versions,
)
from meshed_mcp.error_codes.mesh import WAYPOINT_ROUTE_UNSUPPORTED

SIDECAR_MARKS: Final = ("sidecar.istio.io/", "traffic.sidecar.istio.io/", "prometheus.istio.io/", "istio.io/rev")
"""Beginnings of annotations and labels that only the injection reads."""


def manifests(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """Everything of the service; policy and routes come before the pods."""
    ingress = [plain_ingress_route(name, args, args.ingress)] if args.expose and args.ingress is not None else []
    running = versions(name, args)
    return [
        service_account(name, args),
        *(at_waypoint(item, name) for item in request_authentication(name, args)),
        *(at_waypoint(item, name) for item in external_authorization(name, args)),
        *(at_waypoint(item, name) for item in service_access_log(name, args)),
        callers_at_waypoint(name, args),
        waypoint_at_pod(name, args),
        plain_management_port(name, args),
        *(connections(name, args, version) for version in running),
        http_route(name, args.namespace, waypoint_rules(name, args), contract.MCP_PORT),
        *ingress,
        *service_extensions(name, args.namespace, args.extensions, at_waypoint=True),
        *service_entries(name, args),
        *network_policy(name, args),
        routed_service(name, args),
        *version_services(name, service(name, args), [version.label for version in running]),
        pod_disruption_budget(name, args),
        *(without_sidecar(deployment(name, args, version)) for version in running),
        pod_monitor(name, args),
    ]


def routed_service(name: str, args: MeshedMCPServiceArgs) -> Manifest:
    """The Service, whose calls go through the waypoint."""
    whole = service(name, args)
    meta = whole["metadata"]
    return whole | {"metadata": {**meta, "labels": meta["labels"] | USE_WAYPOINT}}


def waypoint_rules(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """The rules of sidecars that lead somewhere.

    Those that answer by themselves have no place at a waypoint: a caller in the mesh without a token gets the 403 of
    the policy, and one from outside the gateway's challenge. Raises ValueError with the fields that a waypoint's
    route cannot hold.
    """
    rules = [rule for rule in mesh_route(name, args)["spec"]["http"] if "route" in rule]
    if unknown := unsupported(rules):
        raise WAYPOINT_ROUTE_UNSUPPORTED.error(name=name, fields=", ".join(unknown))
    return rules


def at_waypoint(item: Manifest, name: str) -> Manifest:
    """An object that selects a service's pods, at its waypoint instead: it checks tokens, asks authorizers, logs.

    Source: Istio API, RequestAuthentication, AuthorizationPolicy and Telemetry, `targetRefs`.
    """
    rest = {field: value for field, value in item["spec"].items() if field != "selector"}
    return item | {"spec": {**service_target(name), **rest}}


def service_target(name: str) -> Manifest:
    """What holds at the waypoint for calls of one service."""
    return {"targetRefs": [{"group": "", "kind": "Service", "name": name}]}


def callers_at_waypoint(name: str, args: MeshedMCPServiceArgs) -> Manifest:
    """Who may call which path and tool, by the identity that the caller's own connection proved to its waypoint.

    Source: Istio, "Use Layer 7 features", AuthorizationPolicy with `targetRefs` to a Service.
    """
    rules = caller_rules(name, args)
    spec = {**service_target(name), "action": "ALLOW", **({"rules": rules} if rules else {})}
    return manifest(SECURITY_API, "AuthorizationPolicy", metadata(name, args.namespace), spec)


def waypoint_at_pod(name: str, args: MeshedMCPServiceArgs) -> Manifest:
    """What ztunnel lets into the pods: the waypoint to the server, everybody to the management port.

    Only identities and ports: ztunnel reads no HTTP. Source: Istio, "Use Layer 4 security policy".
    """
    waypoint = principal(WAYPOINT, args.namespace, args.trust_domain)
    rules = [
        {
            "from": [{"source": {"principals": [waypoint]}}],
            "to": [{"operation": {"ports": [str(contract.MCP_PORT)]}}],
        },
        {"to": [{"operation": {"ports": [str(contract.MANAGEMENT_PORT)]}}]},
    ]
    spec = {"selector": {"matchLabels": {contract.LABEL_APP: name}}, "action": "ALLOW", "rules": rules}
    meta = metadata(f"{name}-pods", args.namespace, standard_labels(name))
    return manifest(SECURITY_API, "AuthorizationPolicy", meta, spec)


def plain_management_port(name: str, args: MeshedMCPServiceArgs) -> Manifest:
    """Prometheus, outside the mesh, scrapes that port in plain HTTP; every other one takes mutual TLS alone.

    Source: Istio, PeerAuthentication, `portLevelMtls`.
    """
    spec = {
        "selector": {"matchLabels": {contract.LABEL_APP: name}},
        "mtls": {"mode": "STRICT"},
        "portLevelMtls": {str(contract.MANAGEMENT_PORT): {"mode": "PERMISSIVE"}},
    }
    meta = metadata(f"{name}-management", args.namespace, standard_labels(name))
    return manifest(SECURITY_API, "PeerAuthentication", meta, spec)


def connections(name: str, args: MeshedMCPServiceArgs, version: Version) -> Manifest:
    """How the waypoint connects to the pods of one version: as sidecars do, less the encryption, which ztunnel has, and
    the subsets, which are Services here.
    """  # noqa: D205 - one sentence
    service_of_version = version_service_name(name, version.label)
    policy = {
        field: value for field, value in destination_rule(name, args)["spec"]["trafficPolicy"].items() if field != "tls"
    }
    spec = {"host": service_host(service_of_version, args), "trafficPolicy": policy}
    meta = metadata(service_of_version, args.namespace, standard_labels(name))
    return manifest(NETWORKING, "DestinationRule", meta, spec)


def plain_ingress_route(name: str, args: MeshedMCPServiceArgs, ingress: IngressRef) -> Manifest:
    """The gateway's paths, each to the whole service: which version gets a call is the waypoint's choice."""
    single = args.model_copy(update={"rollout": NoRollout(), "pools": {}, "tools": {}})
    route = ingress_route(name, single, ingress)
    rules = [
        {**rule, **({"route": [_whole(target) for target in rule["route"]]} if "route" in rule else {})}
        for rule in route["spec"]["http"]
    ]
    return route | {"spec": {**route["spec"], "http": rules}}


def _whole(target: Manifest) -> Manifest:
    return {"destination": {key: value for key, value in target["destination"].items() if key != "subset"}}


def without_sidecar(item: Manifest) -> Manifest:
    """The Deployment without what only the injection of a sidecar reads."""
    template = item["spec"]["template"]
    unmarked = {field: _unmarked(texts) for field, texts in template["metadata"].items()}
    meta = {field: texts for field, texts in unmarked.items() if texts}
    return item | {"spec": {**item["spec"], "template": {**template, "metadata": meta}}}


def _unmarked(texts: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in texts.items() if not key.startswith(SIDECAR_MARKS)}
