"""What ambient mode cannot do: every setting of a mesh or a service that needs a sidecar, with the reason and the fix.

Settings in, (field, sentence) out, all of them. Not here: what it can (ambient.py, waypoint.py).
Source: Istio, "Ambient mode", feature status: EnvoyFilter is not supported at waypoints, ztunnel reads no HTTP.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.components.mesh.extension_args import Direction

WRITTEN_ONLY: Final[Mapping[str, str]] = {
    "proxy": "is the size of sidecars, and there are none; remove it, and write waypoint: {cpu: ..., memory: ...}",
    "canary_revision": (
        "moves namespaces to a second control plane by their sidecars, while one ztunnel per node follows one control "
        "plane; upgrade in place: write istio_version: alone"
    ),
    "data_plane": "chooses whose sidecars pods get, and there are none; remove it",
    "egress_gateway": (
        "gets what sidecars send to it, and ztunnel sends nothing there; remove it, and close the way out with "
        "NetworkPolicies"
    ),
    "multi_cluster": (
        "over several networks is beta in ambient mode of Istio 1.31, behind a switch, and loses calls where the "
        "clusters' waypoints differ; write mode: sidecar, or remove it"
    ),
    "rate_limiting": (
        "is asked by EnvoyFilters in sidecars, which waypoints do not take; remove it, or write mode: sidecar"
    ),
    "extensions": (
        "of the whole mesh run in sidecars, and a waypoint takes only those that name it; write them below the services"
    ),
}
"""Fields of a mesh that only sidecars carry out, and why; told where a stack writes them."""


INIT_CONTAINER: Final = "init-container prepares pods for their sidecars, and there are none; write redirection: cni"
REGISTRY_ONLY: Final = (
    "REGISTRY_ONLY is kept by sidecars, while ztunnel lets pods connect anywhere, so it would refuse nothing; write "
    "outbound: ALLOW_ANY and close the way out with NetworkPolicies"
)
STICKY: Final = (
    "sticky keeps sessions by an EnvoyFilter in the proxies of callers, which waypoints do not take; write stateless "
    "or off, or mode: sidecar for the mesh"
)
PROXY: Final = "is the size of its sidecar, and there is none; remove it"
RATE_LIMITS: Final = (
    "are counted by EnvoyFilters in sidecars, which waypoints do not take; remove them (limits bound what a pod "
    "accepts), or write mode: sidecar for the mesh"
)
FAULTS: Final = (
    "are injected by the VirtualServices of sidecars, for which routes of waypoints have no field; remove them, or "
    "write mode: sidecar for the mesh"
)
HASH: Final = (
    "has no effect at waypoints, which do not take consistent hashes; remove it, or write mode: sidecar for the mesh"
)
CLIENT: Final = (
    "sees what the service asks others, which goes through their waypoints and not its own; write direction: server"
)
"""What a field asks of sidecars, and what to write instead."""


def ambient_mesh_faults(args: Any) -> Iterator[tuple[str, str]]:
    """Settings of the mesh that do not go with ambient mode."""
    for field, why in WRITTEN_ONLY.items():
        if field in args.model_fields_set and getattr(args, field) not in (None, {}):
            yield field, why
    if args.redirection == "init-container":
        yield "redirection", INIT_CONTAINER
    if args.outbound == "REGISTRY_ONLY":
        yield "outbound", REGISTRY_ONLY


def ambient_faults(args: Any) -> Iterator[tuple[str, str]]:
    """Settings of a service that do not go with ambient mode."""
    if args.legacy is contract.Legacy.STICKY:
        yield "legacy", STICKY
    if args.proxy is not None:
        yield "proxy", PROXY
    if args.rate_limits.model_fields_set:
        yield "rate_limits", RATE_LIMITS
    if args.faults or getattr(args, "experiments", None):
        yield "faults", FAULTS
    if args.traffic.balancing.hash_header is not None:
        yield "traffic.balancing.hash_header", HASH
    for name, extension in args.extensions.items():
        if extension.direction is not Direction.SERVER:
            yield f"extensions.{name}.direction", CLIENT
