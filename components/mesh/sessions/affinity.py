"""EnvoyFilters that keep an MCP session on its replica, for services with `legacy: sticky`.

A service's name and arguments in, one object per namespace of callers out. The proxy that chooses the replica does the
work: the sidecar of each caller, and the gateway. What it does is in affinity.lua beside this file.
Not here: the routes it is attached to (mesh/routing/virtual_service.py), and the sessions themselves (the runtime).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.routing.virtual_service import CHOSEN_REPLICA, ingress_routes, mesh_routes
from meshed_mcp.components.mesh.service.addresses import caller_principal, principal, service_host
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs

ENVOY_FILTER: Final = "networking.istio.io/v1alpha3"
"""Source: Istio 1.31 CRDs, the only version of EnvoyFilter."""

SIDECAR: Final = "SIDECAR_OUTBOUND"
GATEWAY: Final = "GATEWAY"
"""Source: Istio API, EnvoyFilter, `PatchContext`."""

LUA: Final = "type.googleapis.com/envoy.extensions.filters.http.lua.v3"
SCRIPT: Final = "session_affinity"
"""Name under which the filter holds its script, and routes choose it."""


def envoy_filters(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """One object where each caller's proxy is: by namespace for sidecars, and in the gateway's namespace."""
    if args.legacy is not contract.Legacy.STICKY:
        return []
    return [_envoy_filter(name, args, namespace, context, suffix) for namespace, context, suffix in _places(name, args)]


def known_key(name: str, args: MeshedMCPServiceArgs) -> str:
    """The key where the stack gives none: the same everywhere and after every update, and no secret."""
    return principal(name, args.namespace, args.trust_domain)


def _places(name: str, args: MeshedMCPServiceArgs) -> Iterator[tuple[str, str, str]]:
    """Namespace, context and the object's name for everybody who may call."""
    namespaces = {caller_principal(caller, args).split("/")[2] for caller in args.callers}
    for namespace in sorted(namespaces):
        yield namespace, SIDECAR, f"{name}-sessions"
    if args.expose and args.ingress is not None:
        yield args.ingress.principal.split("/")[2], GATEWAY, f"{name}-ingress-sessions"


def _envoy_filter(name: str, args: MeshedMCPServiceArgs, namespace: str, context: str, title: str) -> Manifest:
    filter_name = f"meshed-mcp.sessions.{name}.{args.namespace}"
    if context == GATEWAY and args.ingress is not None:
        routes = with_sessions(ingress_routes(name, args))
        hosts: list[Manifest] = [{"route": {"name": route}} for route in routes]
    else:
        host = f"{service_host(name, args)}:{contract.MCP_PORT}"
        hosts = [{"name": host, "route": {"name": route}} for route in with_sessions(mesh_routes(name, args))]
    patches = [_filter_patch(context, filter_name)]
    patches += [
        _route_patch(
            context, filter_name, host, known_key(name, args) if args.session_key is None else args.session_key
        )
        for host in hosts
    ]
    meta = metadata(title, namespace, standard_labels(name))
    return manifest(ENVOY_FILTER, "EnvoyFilter", meta, {"configPatches": patches})


def with_sessions(rules: list[Manifest]) -> list[str]:
    """Names of the rules over which sessions begin and go on; calls of single tools are of clients that have none."""
    return [
        rule["name"]
        for rule in rules
        if CHOSEN_REPLICA.keys() <= rule.get("headers", {}).get("response", {}).get("set", {}).keys()
    ]


def _filter_patch(context: str, filter_name: str) -> Manifest:
    """The filter in front of the router, asleep: only this service's routes wake it, other traffic passes it by."""
    manager = "envoy.filters.network.http_connection_manager"
    script = Path(__file__).with_name("affinity.lua").read_text(encoding="utf-8")
    return {
        "applyTo": "HTTP_FILTER",
        "match": {
            "context": context,
            "listener": {
                "filterChain": {"filter": {"name": manager, "subFilter": {"name": "envoy.filters.http.router"}}}
            },
        },
        "patch": {
            "operation": "INSERT_BEFORE",
            "value": {
                "name": filter_name,
                "disabled": True,
                "typed_config": {"@type": f"{LUA}.Lua", "source_codes": {SCRIPT: {"inline_string": script}}},
            },
        },
    }


def _route_patch(context: str, filter_name: str, host: Manifest, key: Any) -> Manifest:
    """The script and its key, for one route."""
    per_route = {"@type": f"{LUA}.LuaPerRoute", "name": SCRIPT, "filter_context": {"key": key}}
    return {
        "applyTo": "HTTP_ROUTE",
        "match": {"context": context, "routeConfiguration": {"vhost": host}},
        "patch": {"operation": "MERGE", "value": {"typed_per_filter_config": {filter_name: per_route}}},
    }
