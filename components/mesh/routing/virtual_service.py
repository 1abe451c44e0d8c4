"""VirtualServices of one MCP server: routes of the mesh and of the ingress gateway.

Rules are tried in order: sessions, then each selected version, and within a version single tools before all other
requests; the last rule matches everything. Source of the hazards: Istio API, HTTPRoute.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.authorization.tokens import protected_rules
from meshed_mcp.components.mesh.routing.connect_failure_retry import with_connect_failure_retries
from meshed_mcp.components.mesh.routing.cors import with_cors
from meshed_mcp.components.mesh.routing.fault_injection import with_fault_rules
from meshed_mcp.components.mesh.routing.rollout_args import ABTest, BlueGreen, Canary, Color
from meshed_mcp.components.mesh.routing.tool_args import POOL_PREFIX
from meshed_mcp.components.mesh.routing.tool_routes import ToolGroup, call_matches, retry_and_timeout, tool_groups
from meshed_mcp.components.mesh.service.addresses import (
    exposed_path,
    metadata_path,
    resource_host,
    service_host,
    subpaths,
)
from meshed_mcp.components.mesh.service.args import IngressRef, MeshedMCPServiceArgs

NETWORKING: Final = "networking.istio.io/v1"
"""Source: Istio 1.31 CRDs, storage version of VirtualService, DestinationRule and Gateway."""

MESH_GATEWAY: Final = "mesh"
"""Reserved name of all sidecars. Source: Istio API, VirtualService `gateways`."""

UPSTREAM_HEADER: Final = {"x-mcp-upstream": "%UPSTREAM_REMOTE_ADDRESS%"}
"""Response header with the replica's address, for mesh/sessions/affinity.lua. Source: Envoy, "Access logging"."""


class VersionRoute(NamedTuple):
    """How requests reach a version: header match and destinations."""

    label: str
    headers: Manifest
    shares: dict[str, int]
    """Version -> percent of the requests."""


class RouteScope(NamedTuple):
    """Scope of rules: name prefix, path matches, rewrite, and whether tool calls arrive there."""

    label: str
    matches: tuple[Manifest, ...]
    rewrite: Manifest
    calls: bool


def mesh_route(name: str, args: MeshedMCPServiceArgs) -> Manifest:
    """VirtualService of all sidecars, without a time-out, because a stream lives as long as its client."""
    rules = protected_rules(name, args, args.path, mesh_routes(name, args), sole=True)
    spec = {"hosts": [service_host(name, args)], "gateways": [MESH_GATEWAY], "http": rules}
    return manifest(NETWORKING, "VirtualService", metadata(name, args.namespace), spec)


def mesh_routes(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """Rules of the mesh route, without those that answer for missing tokens."""
    rules = list(_rules(name, args, RouteScope("default", ({},), {}, calls=True)))
    return with_fault_rules(with_connect_failure_retries(rules, args), args)


def ingress_route_manifests(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """VirtualServices of the gateway: below its domain, and under the service's own hosts; none unless exposed."""
    if not args.expose or args.ingress is None:
        return []
    return [ingress_route(name, args, args.ingress), *host_routes(name, args, args.ingress)]


def host_routes(name: str, args: MeshedMCPServiceArgs, ingress: IngressRef) -> list[Manifest]:
    """VirtualService of the service's own hosts: the endpoint at its own path, and nothing else; none without hosts."""
    if not args.hosts:
        return []
    found = gateway_routes(name, args, args.path, f"{name}-host")
    rules = with_cors(name, protected_rules(name, args, args.path, found, sole=True), args)
    spec = {"hosts": [each.host for each in args.hosts], "gateways": [ingress.gateway], "http": rules}
    meta = metadata(f"{name}-hosts", args.namespace, standard_labels(name))
    return [manifest(NETWORKING, "VirtualService", meta, spec)]


def ingress_route(name: str, args: MeshedMCPServiceArgs, ingress: IngressRef) -> Manifest:
    """VirtualService of the gateway: the endpoint under `/<name>`, and nothing else of the service."""
    path, found = exposed_path(name, args), ingress_routes(name, args)
    rules = with_cors(name, protected_rules(name, args, path, found, sole=args.sole_resource), args)
    spec = {"hosts": [ingress.host, *ingress.aliases], "gateways": [ingress.gateway], "http": rules}
    meta = metadata(f"{name}-ingress", args.namespace, standard_labels(name))
    return manifest(NETWORKING, "VirtualService", meta, spec)


def ingress_routes(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """Rules below the gateway's domain."""
    return gateway_routes(name, args, exposed_path(name, args), name)


def gateway_routes(name: str, args: MeshedMCPServiceArgs, outside: str, label: str) -> list[Manifest]:
    """Rules of a gateway for the endpoint at path `outside`: its subpaths, its pages, and the metadata of its tokens.

    The metadata is at the host of the resource, and there at the root too, unless other services share the host.
    """
    metadata_at, own_host = metadata_path(name, args), label != name
    hosts = [each.host for each in args.hosts]
    matches = {
        "endpoint": (endpoint_matches(outside), args.path),
        "beneath": ([{"prefix": subpaths(outside)}], subpaths(args.path)),
    }
    if args.user_credentials is not None:
        pages = f"{outside}{contract.CREDENTIALS_PATH}"
        matches["credentials"] = ([{"prefix": pages}], f"{args.path}{contract.CREDENTIALS_PATH}")
    # The gateway itself serves the metadata of a server without the runtime (`metadata_rules`).
    if args.auth is not None and args.has_runtime and own_host == (resource_host(name, args) in hosts):
        matches["metadata"] = ([{"exact": metadata_at}], metadata_at)
        if (own_host or args.sole_resource) and metadata_at != contract.PROTECTED_RESOURCE_PATH:
            matches["metadata-root"] = ([{"exact": contract.PROTECTED_RESOURCE_PATH}], metadata_at)
    rules = list[Manifest]()
    for part, (uris, path) in matches.items():
        found = tuple({"uri": uri} for uri in uris)
        scope = RouteScope(f"{label}-{part}", found, {"rewrite": {"uri": path}}, calls=part == "endpoint")
        rules += _rules(name, args, scope)
    return with_fault_rules(with_connect_failure_retries(rules, args), args)


def endpoint_matches(outside: str) -> list[Manifest]:
    """Path of an endpoint at the gateway, with and without a slash at its end: both are the same endpoint."""
    path = outside.rstrip("/")
    return [{"exact": path}, {"exact": f"{path}/"}] if path else [{"exact": "/"}]


def version_routes(args: MeshedMCPServiceArgs) -> list[VersionRoute]:
    """Version matches of the rollout in order; the last one has no condition."""
    rollout = args.rollout
    match rollout:
        case Canary():
            shares = {contract.STABLE: rollout.weights.stable, contract.CANARY: rollout.weights.canary}
            return [VersionRoute("", {}, shares)]
        case BlueGreen():
            color = preview_color(rollout)
            preview = VersionRoute("preview", {rollout.header: {"exact": color.value}}, {_version(color): 100})
            return [preview, VersionRoute("", {}, {_version(rollout.active): 100})]
        case ABTest():
            variant = VersionRoute("variant", {rollout.header: {"regex": rollout.regex}}, {contract.VARIANT: 100})
            return [variant, VersionRoute("", {}, {contract.STABLE: 100})]
        case _:
            return [VersionRoute("", {}, {contract.STABLE: 100})]


def preview_color(rollout: BlueGreen) -> Color:
    """The inactive color, which only the preview header selects."""
    return Color.GREEN if rollout.active is Color.BLUE else Color.BLUE


def mirrored_version(args: MeshedMCPServiceArgs) -> str | None:
    """The version that gets mirrored traffic: the canary or the inactive color."""
    rollout = args.rollout
    return _version(preview_color(rollout)) if isinstance(rollout, BlueGreen) else rollout.second


def destinations(name: str, args: MeshedMCPServiceArgs, shares: dict[str, int]) -> list[Manifest]:
    """`route` of a rule: one version, or several with weights."""
    host = service_host(name, args)
    if len(shares) == 1:
        return [{"destination": _subset(host, version)} for version in shares]
    return [{"destination": _subset(host, version), "weight": percent} for version, percent in shares.items()]


def _rules(name: str, args: MeshedMCPServiceArgs, scope: RouteScope) -> Iterator[Manifest]:
    """Rules of a scope. Sessions come first, to all versions: weights apply per request, so a session would change its
    version, and Envoy finds a session's replica only in the selected destination.
    """  # noqa: D205 - two sentences
    if args.legacy is contract.Legacy.STICKY:
        all_versions = {"host": service_host(name, args), "port": {"number": contract.MCP_PORT}}
        head = _head(scope, "session", _matches(scope, {contract.SESSION_HEADER: {}}))
        yield _with_upstream_header(args, {**head, "route": [{"destination": all_versions}], **retry_and_timeout(None)})
    for version in version_routes(args):
        for group in tool_groups(args, selected=bool(version.headers)) if scope.calls else ():
            yield _tool_rule(name, args, scope, version, group)
        matches = [match for match in _matches(scope, version.headers) if match]
        route = {"route": destinations(name, args, version.shares)}
        plain = {**_head(scope, version.label, matches), **route, **retry_and_timeout(None)}
        yield _with_upstream_header(args, plain)


def _tool_rule(
    name: str, args: MeshedMCPServiceArgs, scope: RouteScope, version: VersionRoute, group: ToolGroup
) -> Manifest:
    """Rule for calls of a tool group: to its pool, or to the version."""
    shares = version.shares if group.pool is None else {f"{POOL_PREFIX}{group.pool}": 100}
    label = "-".join(part for part in (version.label, group.label) if part)
    return {
        **_head(scope, label, call_matches(group, _matches(scope, version.headers))),
        "route": destinations(name, args, shares),
        **(_mirrors(name, args) if group.mirrored else {}),
        **retry_and_timeout(group),
    }


def _mirrors(name: str, args: MeshedMCPServiceArgs) -> Manifest:
    """`mirrors` to the other version; Envoy discards its responses and does not retry."""
    version, mirror = mirrored_version(args), args.rollout.mirror
    if version is None or mirror is None:
        return {}
    copies = {"destination": _subset(service_host(name, args), version), "percentage": {"value": mirror.percent}}
    return {"mirrors": [copies]}


def _head(scope: RouteScope, suffix: str, matches: list[Manifest]) -> Manifest:
    label = f"{scope.label}-{suffix}" if suffix else scope.label
    return {"name": label, **({"match": matches} if matches else {}), **scope.rewrite}


def _matches(scope: RouteScope, headers: Manifest) -> list[Manifest]:
    copied = {header: dict(value) for header, value in headers.items()}
    return [match | ({"headers": dict(copied)} if headers else {}) for match in scope.matches]


def _with_upstream_header(args: MeshedMCPServiceArgs, rule: Manifest) -> Manifest:
    """The rule with the replica's address as response header, for sticky services."""
    if args.legacy is not contract.Legacy.STICKY:
        return rule
    return rule | {"headers": {"response": {"set": dict(UPSTREAM_HEADER)}}}


def _version(color: Color) -> str:
    """Blue keeps Deployment and label of the stable version, because a selector is immutable."""
    return contract.STABLE if color is Color.BLUE else contract.GREEN


def _subset(host: str, subset: str) -> Manifest:
    return {"host": host, "subset": subset, "port": {"number": contract.MCP_PORT}}
