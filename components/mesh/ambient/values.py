"""Chart values of ambient mode: the profile of base, control plane and node agent, and ztunnel on every node.

Arguments in, values out. Not here: everything that both modes share (mesh/cluster/istio_releases.py).
Source: Istio 1.31 charts, `files/profile-ambient.yaml`, and chart `ztunnel`, `values.yaml`.
"""

from typing import Final

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster.args import ServiceMeshArgs
from meshed_mcp.components.mesh.cluster.mode import MeshMode
from meshed_mcp.components.mesh.routing.tool_routes import RETRIES

ZTUNNEL_RELEASE: Final = "ztunnel"
"""Helm release of the node proxy; istiod trusts it by this name. Source: chart `ztunnel`, `resourceName`."""

ZTUNNEL_GRACE_SECONDS: Final = 60
"""What an ending ztunnel leaves to the connections of its node; it ends a second earlier. The chart's 30 would cut
streams that pods finish within their own grace."""


def profile_values(args: ServiceMeshArgs) -> Manifest:
    """Of base, istiod and the node agent: nothing in sidecar mode."""
    return {"profile": "ambient"} if args.mode is MeshMode.AMBIENT else {}


def default_retries(args: ServiceMeshArgs) -> Manifest:
    """What waypoints repeat, in the mesh's configuration: routes of the Gateway API cannot say it, and Istio's own
    default would run a tool twice. Source: Istio, MeshConfig `defaultHttpRetryPolicy`.
    """  # noqa: D205 - one sentence
    return {"defaultHttpRetryPolicy": dict(RETRIES)} if args.mode is MeshMode.AMBIENT else {}


def ztunnel_values(args: ServiceMeshArgs) -> Manifest:
    """The proxy of each node; its chart has hub and tag at the root."""
    return {
        "profile": "ambient",
        **({} if args.revision is None else {"revision": args.revision}),
        "hub": args.hub,
        "tag": args.istio_version,
        "logAsJson": True,
        "terminationGracePeriodSeconds": ZTUNNEL_GRACE_SECONDS,
        "global": {"networkPolicy": {"enabled": True}}
        | ({} if args.platform is None else {"platform": args.platform.value}),
    }
