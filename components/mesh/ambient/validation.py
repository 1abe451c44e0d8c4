"""What ambient mode cannot do: every setting of a mesh or a service that needs a sidecar, with the reason and the fix.

Settings in, (field, sentence) out, all of them. Not here: what it can (service.py, waypoint.py).
Source: Istio, "Ambient mode", feature status: EnvoyFilter is not supported at waypoints, ztunnel reads no HTTP.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.components.mesh.cluster.extension_args import Direction
from meshed_mcp.error_codes.code import Message
from meshed_mcp.error_codes.mesh import (
    AMBIENT_CANARY_REVISION,
    AMBIENT_CLIENT_EXTENSION,
    AMBIENT_DATA_PLANE,
    AMBIENT_EGRESS_GATEWAY,
    AMBIENT_FAULT_INJECTION,
    AMBIENT_HASH_HEADER,
    AMBIENT_INIT_CONTAINER,
    AMBIENT_MESH_EXTENSIONS,
    AMBIENT_MULTI_CLUSTER,
    AMBIENT_PROXY_SIZE,
    AMBIENT_RATE_LIMITING,
    AMBIENT_RATE_LIMITS,
    AMBIENT_REGISTRY_ONLY,
    AMBIENT_SERVICE_PROXY,
    AMBIENT_STICKY,
)

WRITTEN_ONLY: Final[Mapping[str, Message]] = {
    "proxy": AMBIENT_PROXY_SIZE.message(),
    "canary_revision": AMBIENT_CANARY_REVISION.message(),
    "data_plane": AMBIENT_DATA_PLANE.message(),
    "egress_gateway": AMBIENT_EGRESS_GATEWAY.message(),
    "multi_cluster": AMBIENT_MULTI_CLUSTER.message(),
    "rate_limiting": AMBIENT_RATE_LIMITING.message(),
    "extensions": AMBIENT_MESH_EXTENSIONS.message(),
}
"""Fields of a mesh that only sidecars carry out, and why; told where a stack writes them."""


INIT_CONTAINER: Final = AMBIENT_INIT_CONTAINER.message()
REGISTRY_ONLY: Final = AMBIENT_REGISTRY_ONLY.message()
STICKY: Final = AMBIENT_STICKY.message()
PROXY: Final = AMBIENT_SERVICE_PROXY.message()
RATE_LIMITS: Final = AMBIENT_RATE_LIMITS.message()
FAULTS: Final = AMBIENT_FAULT_INJECTION.message()
HASH: Final = AMBIENT_HASH_HEADER.message()
CLIENT: Final = AMBIENT_CLIENT_EXTENSION.message()
"""What a field asks of sidecars, and what to write instead."""


def ambient_mesh_issues(args: Any) -> Iterator[tuple[str, Message]]:
    """Settings of the mesh that do not go with ambient mode."""
    for field, why in WRITTEN_ONLY.items():
        if field in args.model_fields_set and getattr(args, field) not in (None, {}):
            yield field, why
    if args.traffic_capture == "init-container":
        yield "traffic_capture", INIT_CONTAINER
    if args.outbound == "REGISTRY_ONLY":
        yield "outbound", REGISTRY_ONLY


def ambient_issues(args: Any) -> Iterator[tuple[str, Message]]:
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
