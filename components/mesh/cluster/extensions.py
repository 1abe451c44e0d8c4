"""TrafficExtensions: scripts and modules in the proxies of one service, or of the whole mesh.

Arguments in, objects out. Only Istio's own API: it gives a filter its place and its name, so none can be rendered that
the proxy lacks. Not here: the arguments (extension_args.py), EnvoyFilters of our own features
(mesh/sessions/affinity.py). Source: Istio API, TrafficExtension, new in 1.31.
"""

from collections.abc import Mapping
from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.mesh.cluster.args import ROOT_NAMESPACE
from meshed_mcp.components.mesh.cluster.extension_args import Direction, LuaExtension, WasmExtension

EXTENSIONS: Final = "extensions.istio.io/v1alpha1"
"""Source: Istio 1.31 CRDs, the only version of TrafficExtension."""

LUA_FILTER: Final = "envoy.filters.http.lua"
WASM_FILTER: Final = "envoy.filters.http.wasm"
"""What istiod makes of the two kinds; both are in proxy_filters.py for every version we render for."""

DIRECTIONS: Final = {
    Direction.SERVER: "SERVER",
    Direction.CLIENT: "CLIENT",
    Direction.BOTH: "CLIENT_AND_SERVER",
}

FAIL_CLOSED: Final = "FAIL_CLOSE"
"""A module that fails answers 503: with FAIL_OPEN, crashing it would switch a check off."""


def service_extensions(
    name: str, namespace: str, extensions: Mapping[str, LuaExtension | WasmExtension], *, at_waypoint: bool = False
) -> list[Manifest]:
    """Of one service: in its pods' sidecars, or at the waypoint for calls of it alone."""
    target = {"targetRefs": [{"group": "", "kind": "Service", "name": name}]}
    pods = {"selector": {"matchLabels": {contract.LABEL_APP: name}}}
    return [
        traffic_extension(f"{name}-{label}", namespace, extension, target if at_waypoint else pods)
        for label, extension in extensions.items()
    ]


def mesh_extensions(extensions: Mapping[str, LuaExtension | WasmExtension]) -> list[Manifest]:
    """Of every proxy of the mesh, gateways too. Source: Istio API, an object of the root namespace without selector."""
    return [traffic_extension(label, ROOT_NAMESPACE, extension, {}) for label, extension in extensions.items()]


def traffic_extension(
    title: str, namespace: str, extension: LuaExtension | WasmExtension, proxies: Manifest
) -> Manifest:
    """One extension in the proxies that `proxies` selects."""
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
