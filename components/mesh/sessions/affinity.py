"""EnvoyFilters for sticky sessions: affinity.lua in callers' sidecars and the gateway, which select the replica."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.routing.connect_failure_retry import ENVOY_FILTER, before_router
from meshed_mcp.components.mesh.routing.virtual_service import UPSTREAM_HEADER, ingress_routes, mesh_routes
from meshed_mcp.components.mesh.service.addresses import caller_principal, principal, service_host
from meshed_mcp.components.mesh.service.args import MeshedMCPServiceArgs

SIDECAR: Final = "SIDECAR_OUTBOUND"
GATEWAY: Final = "GATEWAY"
"""Source: Istio API, EnvoyFilter, `PatchContext`."""

LUA: Final = "type.googleapis.com/envoy.extensions.filters.http.lua.v3"
SCRIPT: Final = "session_affinity"
"""Name of the script in the filter; routes refer to it."""


def session_affinity_filters(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """One EnvoyFilter per namespace of callers, and one for the ingress gateway."""
    if args.legacy is not contract.Legacy.STICKY:
        return []
    return [_envoy_filter(name, args, *proxies) for proxies in _caller_proxies(name, args)]


def _caller_proxies(name: str, args: MeshedMCPServiceArgs) -> Iterator[tuple[str, str, str]]:
    """Namespace, patch context and object name for each group of callers."""
    namespaces = {caller_principal(caller, args).split("/")[2] for caller in args.callers}
    for namespace in sorted(namespaces):
        yield namespace, SIDECAR, f"{name}-sessions"
    if args.expose and args.ingress is not None:
        yield args.ingress.principal.split("/")[2], GATEWAY, f"{name}-ingress-sessions"


def _envoy_filter(name: str, args: MeshedMCPServiceArgs, namespace: str, context: str, title: str) -> Manifest:
    filter_name = f"meshed-mcp.sessions.{name}.{args.namespace}"
    if context == GATEWAY and args.ingress is not None:
        routes = session_rules(ingress_routes(name, args))
        hosts: list[Manifest] = [{"route": {"name": route}} for route in routes]
    else:
        host = f"{service_host(name, args)}:{contract.MCP_PORT}"
        hosts = [{"name": host, "route": {"name": route}} for route in session_rules(mesh_routes(name, args))]
    # The default is stable but not secret.
    key = principal(name, args.namespace, args.trust_domain) if args.session_key is None else args.session_key
    keys = {"key": key} | ({} if args.previous_session_key is None else {"previous": args.previous_session_key})
    patches = [_filter_patch(context, filter_name), *(_route_patch(context, filter_name, host, keys) for host in hosts)]
    meta = metadata(title, namespace, standard_labels(name))
    return manifest(ENVOY_FILTER, "EnvoyFilter", meta, {"configPatches": patches})


def session_rules(rules: list[Manifest]) -> list[str]:
    """Names of the rules that sessions use; clients that match tool rules have no sessions."""
    return [
        rule["name"]
        for rule in rules
        if UPSTREAM_HEADER.keys() <= rule.get("headers", {}).get("response", {}).get("set", {}).keys()
    ]


def _filter_patch(context: str, filter_name: str) -> Manifest:
    """The filter before the router, disabled by default and enabled per route of the service."""
    script = Path(__file__).with_name("affinity.lua").read_text(encoding="utf-8")
    config = {"@type": f"{LUA}.Lua", "source_codes": {SCRIPT: {"inline_string": script}}}
    return before_router({"name": filter_name, "disabled": True, "typed_config": config}, context)


def _route_patch(context: str, filter_name: str, host: Manifest, keys: dict[str, Any]) -> Manifest:
    """Script and keys of one route."""
    per_route = {"@type": f"{LUA}.LuaPerRoute", "name": SCRIPT, "filter_context": keys}
    return {
        "applyTo": "HTTP_ROUTE",
        "match": {"context": context, "routeConfiguration": {"vhost": host}},
        "patch": {"operation": "MERGE", "value": {"typed_per_filter_config": {filter_name: per_route}}},
    }
