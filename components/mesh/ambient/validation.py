"""Settings of a mesh or service that ambient mode does not support: pairs of field and message.

Source: Istio, "Ambient mode", feature status: no EnvoyFilter at waypoints, no HTTP in ztunnel.
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

SIDECAR_ONLY_FIELDS: Final[Mapping[str, Message]] = {
    "proxy": AMBIENT_PROXY_SIZE.message(),
    "canary_revision": AMBIENT_CANARY_REVISION.message(),
    "data_plane": AMBIENT_DATA_PLANE.message(),
    "egress_gateway": AMBIENT_EGRESS_GATEWAY.message(),
    "multi_cluster": AMBIENT_MULTI_CLUSTER.message(),
    "rate_limiting": AMBIENT_RATE_LIMITING.message(),
    "extensions": AMBIENT_MESH_EXTENSIONS.message(),
}
"""Mesh fields that need sidecars -> message, reported if the stack sets them."""


def ambient_mesh_issues(args: Any) -> Iterator[tuple[str, Message]]:
    """Mesh settings that ambient mode does not support."""
    for field, why in SIDECAR_ONLY_FIELDS.items():
        if field in args.model_fields_set and getattr(args, field) not in (None, {}):
            yield field, why
    if args.traffic_capture == "init-container":
        yield "traffic_capture", AMBIENT_INIT_CONTAINER.message()
    if args.outbound == "REGISTRY_ONLY":
        yield "outbound", AMBIENT_REGISTRY_ONLY.message()


def ambient_issues(args: Any) -> Iterator[tuple[str, Message]]:
    """Service settings that ambient mode does not support."""
    if args.legacy is contract.Legacy.STICKY:
        yield "legacy", AMBIENT_STICKY.message()
    if args.proxy is not None:
        yield "proxy", AMBIENT_SERVICE_PROXY.message()
    if args.rate_limits.model_fields_set:
        yield "rate_limits", AMBIENT_RATE_LIMITS.message()
    if args.faults or getattr(args, "experiments", None):
        yield "faults", AMBIENT_FAULT_INJECTION.message()
    if args.traffic.balancing.hash_header is not None:
        yield "traffic.balancing.hash_header", AMBIENT_HASH_HEADER.message()
    for name, extension in args.extensions.items():
        if extension.direction is not Direction.SERVER:
            yield f"extensions.{name}.direction", AMBIENT_CLIENT_EXTENSION.message()
