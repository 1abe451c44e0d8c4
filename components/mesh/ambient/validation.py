"""Settings that ambient mode does not support. Source: Istio, "Ambient mode", feature status."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.components.mesh.cluster.extension_args import Direction
from meshed_mcp.error_codes import mesh as codes
from meshed_mcp.error_codes.code import Message

SIDECAR_ONLY_FIELDS: Final[Mapping[str, Message]] = {
    "proxy": codes.AMBIENT_PROXY_SIZE.message(),
    "canary_revision": codes.AMBIENT_CANARY_REVISION.message(),
    "data_plane": codes.AMBIENT_DATA_PLANE.message(),
    "egress_gateway": codes.AMBIENT_EGRESS_GATEWAY.message(),
    "multi_cluster": codes.AMBIENT_MULTI_CLUSTER.message(),
    "rate_limiting": codes.AMBIENT_RATE_LIMITING.message(),
    "extensions": codes.AMBIENT_MESH_EXTENSIONS.message(),
}
"""Mesh fields that need sidecars -> message, reported if the stack sets them."""


def ambient_mesh_issues(args: Any) -> Iterator[tuple[str, Message]]:
    """Mesh settings that ambient mode does not support."""
    for field, why in SIDECAR_ONLY_FIELDS.items():
        if field in args.model_fields_set and getattr(args, field) not in (None, {}):
            yield field, why
    if args.traffic_capture == "init-container":
        yield "traffic_capture", codes.AMBIENT_INIT_CONTAINER.message()
    if args.outbound == "REGISTRY_ONLY":
        yield "outbound", codes.AMBIENT_REGISTRY_ONLY.message()


def ambient_issues(args: Any) -> Iterator[tuple[str, Message]]:
    """Service settings that ambient mode does not support."""
    if args.legacy is contract.Legacy.STICKY:
        yield "legacy", codes.AMBIENT_STICKY.message()
    if args.proxy is not None:
        yield "proxy", codes.AMBIENT_SERVICE_PROXY.message()
    if args.rate_limits.model_fields_set:
        yield "rate_limits", codes.AMBIENT_RATE_LIMITS.message()
    if args.faults or getattr(args, "experiments", None):
        yield "faults", codes.AMBIENT_FAULT_INJECTION.message()
    if args.traffic.balancing.hash_header is not None:
        yield "traffic.balancing.hash_header", codes.AMBIENT_HASH_HEADER.message()
    for name, extension in args.extensions.items():
        if extension.direction is not Direction.SERVER:
            yield f"extensions.{name}.direction", codes.AMBIENT_CLIENT_EXTENSION.message()
