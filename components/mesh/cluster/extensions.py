"""TrafficExtensions for the proxies of one service or of the whole mesh.

Istio chooses position and name of the filter, so no filter is rendered that the proxy lacks.
Source: Istio API, TrafficExtension, new in 1.31.
"""

from collections.abc import Mapping
from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.cluster.extension_args import Direction, LuaExtension, WasmExtension

EXTENSIONS: Final = "extensions.istio.io/v1alpha1"
"""Source: Istio 1.31 CRDs, the only version of TrafficExtension."""

LUA_FILTER: Final = "envoy.filters.http.lua"
WASM_FILTER: Final = "envoy.filters.http.wasm"
"""Filters that istiod generates; proxy_filters.py lists both for every supported version."""

DIRECTIONS: Final = {Direction.SERVER: "SERVER", Direction.CLIENT: "CLIENT", Direction.BOTH: "CLIENT_AND_SERVER"}

FAIL_CLOSED: Final = "FAIL_CLOSE"
"""With FAIL_OPEN, a crash of the module would disable its checks."""


def service_extensions(
    name: str, namespace: str, extensions: Mapping[str, LuaExtension | WasmExtension], *, at_waypoint: bool = False
) -> list[Manifest]:
    """Extensions of one service: in its sidecars, or at the waypoint for requests to it."""
    target = {"targetRefs": [{"group": "", "kind": "Service", "name": name}]}
    pods = {"selector": {"matchLabels": {contract.LABEL_APP: name}}}
    return [
        traffic_extension(f"{name}-{label}", namespace, extension, target if at_waypoint else pods)
        for label, extension in extensions.items()
    ]


def mesh_extensions(extensions: Mapping[str, LuaExtension | WasmExtension], namespace: str) -> list[Manifest]:
    """Extensions of every proxy of a namespace; of the root namespace: of the mesh, gateways included.

    Source: Istio API, TrafficExtension without selector.
    """
    return [traffic_extension(label, namespace, extension, {}) for label, extension in extensions.items()]


def traffic_extension(
    title: str, namespace: str, extension: LuaExtension | WasmExtension, proxies: Manifest
) -> Manifest:
    """TrafficExtension in the proxies that `proxies` selects."""
    spec = {
        **proxies,
        "match": [{"mode": DIRECTIONS[extension.direction]}],
        "phase": extension.phase.value.upper(),
        "priority": extension.priority,
        **({"lua": {"inlineCode": extension.code}} if isinstance(extension, LuaExtension) else _wasm(extension)),
    }
    meta = metadata(title, namespace, standard_labels(title))
    return manifest(EXTENSIONS, "TrafficExtension", meta, spec)


def _wasm(extension: WasmExtension) -> Manifest:
    secret = {} if extension.pull_secret is None else {"imagePullSecret": extension.pull_secret}
    config = {"pluginConfig": dict(extension.config)} if extension.config else {}
    module = {
        "url": extension.url,
        "sha256": extension.checksum,
        "type": "HTTP",
        "failStrategy": FAIL_CLOSED,
        "imagePullPolicy": "IfNotPresent",
        **secret,
        **config,
    }
    return {"wasm": module}
