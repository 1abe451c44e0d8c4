"""Bootstrap and discovery responses of one Envoy. Pure. Source: Envoy, "xDS protocol", filesystem subscriptions."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from meshed_mcp.local.translate.envoy.api import Message, typed

API: Final = "V3"
CLUSTERS: Final = "clusters.json"
LISTENERS: Final = "listeners.json"
MANAGER: Final = "envoy.filters.network.http_connection_manager"
MESH: Final = "outbound|"
"""Prefix of the clusters of Services, whose endpoints can change."""


@dataclass(frozen=True)
class Discovery:
    """Files of one Envoy by path; clusters and listeners as lists, because an update of them takes two steps."""

    bootstrap: Message
    endpoints: Mapping[Path, Message]
    routes: Mapping[Path, Message]
    clusters: Sequence[Message]
    listeners: Sequence[Message]


def watchers(found: Discovery) -> int:
    """Number of watched files, each with an inotify instance: clusters, listeners, routes, endpoints."""
    return 2 + len(found.routes) + len(found.endpoints)


def discovery(whole: Message, folder: Path) -> Discovery:
    """Split a static bootstrap into files in `folder`."""
    resources = whole["static_resources"]
    dynamic = {"cds_config": source(folder / CLUSTERS), "lds_config": source(folder / LISTENERS)}
    endpoints: dict[Path, Message] = {}
    routes: dict[Path, Message] = {}
    return Discovery(
        bootstrap={**_without(whole, "static_resources"), "dynamic_resources": dynamic},
        clusters=[_cluster(each, folder, endpoints) for each in resources["clusters"]],
        listeners=[_listener(each, folder, routes) for each in resources["listeners"]],
        endpoints=endpoints,
        routes=routes,
    )


def source(file: Path) -> Message:
    """A watched file; Envoy loads a file that replaces it."""
    return {"path_config_source": {"path": str(file)}, "resource_api_version": API}


def response(message: str, resources: Sequence[Message]) -> Message:
    """A discovery response; its version is a digest of the content."""
    content = json.dumps(resources, sort_keys=True).encode()
    version = hashlib.sha256(content).hexdigest()[:16]
    return {"version_info": version, "resources": [typed(message, **each) for each in resources]}


def clusters_response(clusters: Sequence[Message]) -> Message:
    """Content of the file CLUSTERS."""
    return response("config.cluster.v3.Cluster", clusters)


def listeners_response(listeners: Sequence[Message]) -> Message:
    """Content of the file LISTENERS."""
    return response("config.listener.v3.Listener", listeners)


def _cluster(cluster: Message, folder: Path, endpoints: dict[Path, Message]) -> Message:
    name = cluster["name"]
    if cluster["type"] != "STATIC" or not name.startswith(MESH):
        return cluster
    file = folder / "endpoints" / f"{name}.json"
    assignment = cluster["load_assignment"]
    endpoints[file] = response("config.endpoint.v3.ClusterLoadAssignment", [assignment])
    rest = _without(cluster, "load_assignment")
    return {**rest, "type": "EDS", "eds_cluster_config": {"eds_config": source(file)}}


def _listener(listener: Message, folder: Path, routes: dict[Path, Message]) -> Message:
    chains = [
        {**chain, "filters": [_filter(each, folder, routes) for each in chain["filters"]]}
        for chain in listener["filter_chains"]
    ]
    return {**listener, "filter_chains": chains}


def _filter(network_filter: Message, folder: Path, routes: dict[Path, Message]) -> Message:
    if network_filter["name"] != MANAGER:
        return network_filter
    manager: dict[str, Any] = network_filter["typed_config"]
    configuration = manager["route_config"]
    file = folder / "routes" / f"{configuration['name']}.json"
    routes[file] = response("config.route.v3.RouteConfiguration", [configuration])
    reference = {"route_config_name": configuration["name"], "config_source": source(file)}
    return {**network_filter, "typed_config": {**_without(manager, "route_config"), "rds": reference}}


def _without(message: Message, field: str) -> Message:
    return {name: value for name, value in message.items() if name != field}
