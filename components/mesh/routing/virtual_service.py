"""Istio routes of one MCP server: VirtualServices of its callers' sidecars and of the gateway.

A service's name and arguments in, objects out. Rules are tried in order: sessions, then each choice of a version, and
within a choice calls of single tools before all others; the last takes everything. Source of the hazards: Istio API
reference, HTTPRoute. Not here: connections (destination_rule.py), tools (tool_routes.py), who may call
(mesh/authorization/policy.py).
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.authorization.tokens import protected_rules
from meshed_mcp.components.mesh.routing.connect_failure_retry import with_connect_failure_retries
from meshed_mcp.components.mesh.routing.fault_injection import with_faults
from meshed_mcp.components.mesh.routing.rollout_args import ABTest, BlueGreen, Canary, Color
from meshed_mcp.components.mesh.routing.tool_args import POOL_PREFIX
from meshed_mcp.components.mesh.routing.tool_routes import ToolGroup, call_matches, retry_and_timeout, tool_groups
from meshed_mcp.components.mesh.service.addresses import exposed_path, metadata_path, service_host
from meshed_mcp.components.mesh.service.args import IngressRef, MeshedMCPServiceArgs

NETWORKING: Final = "networking.istio.io/v1"
"""Source: Istio 1.31 CRDs, storage version of VirtualService, DestinationRule and Gateway."""

MESH_GATEWAY: Final = "mesh"
"""The reserved name for all sidecars. Source: Istio API, VirtualService `gateways`."""

CHOSEN_REPLICA: Final = {"x-mcp-upstream": "%UPSTREAM_REMOTE_ADDRESS%"}
"""Names the replica for mesh/sessions/affinity.lua, which removes the header. Source: Envoy, "Access logging"."""


class Choice(NamedTuple):
    """One way in which a version is chosen: the calls, and where they go."""

    label: str
    headers: Manifest
    shares: dict[str, int]
    """Version -> percent of the calls."""


class Place(NamedTuple):
    """Where rules stand: their names' beginning, the path there, the path that the service sees, and calls of tools."""

    label: str
    match: Manifest
    rewrite: Manifest
    calls: bool


def mesh_route(name: str, args: MeshedMCPServiceArgs) -> Manifest:
    """The route of every sidecar to the service, without a time-out: a stream lives as long as its client."""
    return manifest(
        NETWORKING,
        "VirtualService",
        metadata(name, args.namespace),
        {
            "hosts": [service_host(name, args)],
            "gateways": [MESH_GATEWAY],
            "http": protected_rules(name, args, args.path, mesh_routes(name, args)),
        },
    )


def mesh_routes(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """The rules of that route."""
    return with_faults(
        with_connect_failure_retries(list(_rules(name, args, Place("default", {}, {}, calls=True))), args), args
    )


def ingress_route(name: str, args: MeshedMCPServiceArgs, ingress: IngressRef) -> Manifest:
    """The route of the gateway: the endpoint's path below the service's name, and nothing else of the service."""
    rules = protected_rules(name, args, exposed_path(name, args), ingress_routes(name, args))
    return manifest(
        NETWORKING,
        "VirtualService",
        metadata(f"{name}-ingress", args.namespace, standard_labels(name)),
        {"hosts": [ingress.host], "gateways": [ingress.gateway], "http": rules},
    )


def ingress_routes(name: str, args: MeshedMCPServiceArgs) -> list[Manifest]:
    """The rules of that route: the endpoint itself, what lies beneath it, and where clients learn of its tokens."""
    outside, metadata_at = exposed_path(name, args), metadata_path(name, args)
    matches = {"endpoint": ({"exact": outside}, args.path), "beneath": ({"prefix": f"{outside}/"}, f"{args.path}/")}
    if args.auth is not None:
        matches["metadata"] = ({"exact": metadata_at}, metadata_at)
    rules = [
        rule
        for label, (uri, path) in matches.items()
        for rule in _rules(
            name, args, Place(f"{name}-{label}", {"uri": uri}, {"rewrite": {"uri": path}}, calls=label == "endpoint")
        )
    ]
    return with_faults(with_connect_failure_retries(rules, args), args)


def choices(args: MeshedMCPServiceArgs) -> list[Choice]:
    """How a version is chosen, in the order of trial; the last has no condition."""
    rollout = args.rollout
    match rollout:
        case Canary():
            shares = {contract.STABLE: rollout.weights.stable, contract.CANARY: rollout.weights.canary}
            return [Choice("", {}, shares)]
        case BlueGreen():
            preview = {rollout.header: {"exact": preview_color(rollout).value}}
            return [
                Choice("preview", preview, {_version(preview_color(rollout)): 100}),
                Choice("", {}, {_version(rollout.active): 100}),
            ]
        case ABTest():
            matching = {rollout.header: {"regex": rollout.regex}}
            return [Choice("variant", matching, {contract.VARIANT: 100}), Choice("", {}, {contract.STABLE: 100})]
        case _:
            return [Choice("", {}, {contract.STABLE: 100})]


def preview_color(rollout: BlueGreen) -> Color:
    """The color that only the header picks."""
    return Color.GREEN if rollout.active is Color.BLUE else Color.BLUE


def mirror_version(args: MeshedMCPServiceArgs) -> str | None:
    """The version that gets copies of calls: the one that does not get them all."""
    rollout = args.rollout
    return _version(preview_color(rollout)) if isinstance(rollout, BlueGreen) else rollout.second


def destinations(name: str, args: MeshedMCPServiceArgs, shares: dict[str, int]) -> list[Manifest]:
    """Where a rule sends calls: one version, or several by their weights."""
    host = service_host(name, args)
    if len(shares) == 1:
        return [{"destination": _subset(host, version)} for version in shares]
    return [{"destination": _subset(host, version), "weight": percent} for version, percent in shares.items()]


def _rules(name: str, args: MeshedMCPServiceArgs, place: Place) -> Iterator[Manifest]:
    """Sessions go to all replicas at once and before any choice: a choice is made per request, so a session would
    change its version, and a replica is found only among those of the chosen destination.
    """  # noqa: D205 - one sentence
    if args.legacy is contract.Legacy.STICKY:
        everybody = {"host": service_host(name, args), "port": {"number": contract.MCP_PORT}}
        yield _sessions_kept(
            args,
            {
                **_head(place, "session", [_match(place, {contract.SESSION_HEADER: {}})]),
                "route": [{"destination": everybody}],
                **retry_and_timeout(None),
            },
        )
    for choice in choices(args):
        for group in tool_groups(args, asked=bool(choice.headers)) if place.calls else ():
            yield _tool_rule(name, args, place, choice, group)
        match = _match(place, choice.headers)
        route = {"route": destinations(name, args, choice.shares)}
        plain = {**_head(place, choice.label, [match] if match else []), **route, **retry_and_timeout(None)}
        yield _sessions_kept(args, plain)


def _tool_rule(name: str, args: MeshedMCPServiceArgs, place: Place, choice: Choice, group: ToolGroup) -> Manifest:
    """Calls of some tools: to their pool, or to the version of the choice."""
    shares = choice.shares if group.pool is None else {f"{POOL_PREFIX}{group.pool}": 100}
    label = "-".join(part for part in (choice.label, group.label) if part)
    return {
        **_head(place, label, call_matches(group, _match(place, choice.headers))),
        "route": destinations(name, args, shares),
        **(_mirrors(name, args) if group.mirrored else {}),
        **retry_and_timeout(group),
    }


def _mirrors(name: str, args: MeshedMCPServiceArgs) -> Manifest:
    """Copies to the other version; their answers are thrown away, and a copy is never repeated."""
    version, mirror = mirror_version(args), args.rollout.mirror
    if version is None or mirror is None:
        return {}
    copies = {"destination": _subset(service_host(name, args), version), "percentage": {"value": mirror.percent}}
    return {"mirrors": [copies]}


def _head(place: Place, suffix: str, matches: list[Manifest]) -> Manifest:
    label = f"{place.label}-{suffix}" if suffix else place.label
    return {"name": label, **({"match": matches} if matches else {}), **place.rewrite}


def _match(place: Place, headers: Manifest) -> Manifest:
    return {
        **place.match,
        **({"headers": {header: dict(value) for header, value in headers.items()}} if headers else {}),
    }


def _sessions_kept(args: MeshedMCPServiceArgs, rule: Manifest) -> Manifest:
    """Marks the answering replica on rules over which sessions begin and go on."""
    if args.legacy is not contract.Legacy.STICKY:
        return rule
    return rule | {"headers": {"response": {"set": dict(CHOSEN_REPLICA)}}}


def _version(color: Color) -> str:
    """Blue keeps the Deployment and the label of the service without a rollout, whose selector cannot change."""
    return contract.STABLE if color is Color.BLUE else contract.GREEN


def _subset(host: str, subset: str) -> Manifest:
    return {"host": host, "subset": subset, "port": {"number": contract.MCP_PORT}}
