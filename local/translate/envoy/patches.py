"""Patches of EnvoyFilters, which as in istiod apply to complete listeners and routes. Pure. Source: EnvoyFilter API."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from meshed_mcp.local.translate.envoy.api import Message
from meshed_mcp.local.translate.envoy.security import ROOT_NAMESPACE
from meshed_mcp.local.translate.objects.envoy_filter import (
    ClusterPatch,
    Context,
    HTTPFilterPatch,
    HTTPRoutePatch,
    InsertedRoutePatch,
    LuaPerRoute,
    ManagerPatch,
    Patch,
    VirtualHostMatch,
)
from meshed_mcp.local.translate.topology import Topology

INBOUND: Final[Context] = "SIDECAR_INBOUND"
SIDECAR: Final[Context] = "SIDECAR_OUTBOUND"
GATEWAY: Final[Context] = "GATEWAY"

Labels = Mapping[str, str]
"""Labels of a pod."""


def inserted_filters(topology: Topology, namespace: str, context: Context, labels: Labels) -> list[Message]:
    """The filters before the router of a proxy."""
    return [
        {
            "name": patch.patch.value.name,
            "disabled": patch.patch.value.disabled,
            "typed_config": patch.patch.value.typed_config.model_dump(by_alias=True, exclude_none=True),
        }
        for patch in _patches(topology, namespace, context, labels)
        if isinstance(patch, HTTPFilterPatch)
    ]


def patched_hosts(
    topology: Topology, namespace: str, context: Context, labels: Labels, virtual_hosts: Sequence[Message]
) -> list[Message]:
    """The virtual hosts of a proxy with patched routes."""
    changes = [patch for patch in _patches(topology, namespace, context, labels) if isinstance(patch, HTTPRoutePatch)]
    return [{**host, "routes": [_patched(host, route, changes) for route in host["routes"]]} for host in virtual_hosts]


def inserted_routes(topology: Topology, namespace: str, name: str, labels: Labels) -> list[Message]:
    """The routes before those of the inbound route configuration `name`; the last patch is the first route."""
    return [
        patch.patch.value.model_dump(by_alias=True)
        for patch in reversed([*_patches(topology, namespace, INBOUND, labels)])
        if isinstance(patch, InsertedRoutePatch) and patch.match.route_configuration.name == name
    ]


def added_clusters(topology: Topology, namespace: str, labels: Labels) -> list[Message]:
    """Names and limits of the clusters that lead to the pod's process."""
    kept = {"name", "alt_stat_name", "connect_timeout", "circuit_breakers"}
    return [
        patch.patch.value.model_dump(include=kept)
        for patch in _patches(topology, namespace, INBOUND, labels)
        if isinstance(patch, ClusterPatch)
    ]


def local_replies(topology: Topology, namespace: str, context: Context, labels: Labels) -> Message:
    """The field `local_reply_config` of a proxy; merged lists are concatenated."""
    mappers = [
        mapper.model_dump(by_alias=True, exclude_none=True)
        for patch in _patches(topology, namespace, context, labels)
        if isinstance(patch, ManagerPatch)
        for mapper in patch.patch.value.typed_config.local_reply_config.mappers
    ]
    return {"local_reply_config": {"mappers": mappers}} if mappers else {}


def _patches(topology: Topology, namespace: str, context: Context, labels: Labels) -> Iterator[Patch]:
    for owner in topology.stack.envoy_filters:
        selected = owner.spec.workload_selector.labels.items() <= labels.items()
        if selected and owner.namespace in (namespace, ROOT_NAMESPACE):
            yield from (patch for patch in owner.spec.config_patches if patch.match.context == context)


def _patched(host: Message, route: Message, changes: Sequence[HTTPRoutePatch]) -> Message:
    configured: dict[str, LuaPerRoute] = {}
    for change in changes:
        if _selects(change.match.route_configuration.vhost, host, route):
            configured |= change.patch.value.typed_per_filter_config
    if not configured:
        return route
    per_filter = {name: each.model_dump(by_alias=True) for name, each in configured.items()}
    return {**route, "typed_per_filter_config": {**route.get("typed_per_filter_config", {}), **per_filter}}


def _selects(match: VirtualHostMatch, host: Message, route: Message) -> bool:
    return match.name in (None, host["name"]) and match.route.name == route.get("name")
