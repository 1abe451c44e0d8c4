"""Helm values of ambient mode: profile of the Istio charts, retries, ztunnel.

Source: Istio 1.31 charts, `files/profile-ambient.yaml`, and chart `ztunnel`, `values.yaml`.
"""

from typing import Final

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.cluster.args import ServiceMeshArgs
from meshed_mcp.components.mesh.cluster.mode import MeshMode
from meshed_mcp.components.mesh.routing.tool_routes import RETRIES

ZTUNNEL_RELEASE: Final = "ztunnel"
"""Helm release of ztunnel; istiod trusts it by this name. Source: chart `ztunnel`, `resourceName`."""

ZTUNNEL_GRACE_SECONDS: Final = 60
"""Grace period of ztunnel for the connections of its node; the chart's 30 is shorter than that of servers."""


def profile_values(args: ServiceMeshArgs) -> Manifest:
    """Values of the charts base, istiod and cni; empty in sidecar mode."""
    return {"profile": "ambient"} if args.mode is MeshMode.AMBIENT else {}


def default_retries(args: ServiceMeshArgs) -> Manifest:
    """Retry policy of waypoints: HTTPRoute has no field for it, and Istio's default could run a tool twice.

    Source: Istio, MeshConfig `defaultHttpRetryPolicy`.
    """
    return {"defaultHttpRetryPolicy": dict(RETRIES)} if args.mode is MeshMode.AMBIENT else {}


def ztunnel_values(args: ServiceMeshArgs) -> Manifest:
    """Values of chart ztunnel, which has hub and tag at the root."""
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
