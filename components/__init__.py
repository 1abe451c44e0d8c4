"""Reusable Pulumi components: a mesh and its monitoring per cluster, a service per server, and what scales them."""

from typing import Final

from meshed_mcp import extras

with extras.required("platform"):
    import pulumi

    from meshed_mcp.components.autoscaling.component import AutoscalingPolicy
    from meshed_mcp.components.mesh.component import MeshedMCPService, ServiceMesh
    from meshed_mcp.components.observability.component import ObservabilityStack

COMPONENTS: Final[tuple[type[pulumi.ComponentResource], ...]] = (
    AutoscalingPolicy,
    MeshedMCPService,
    ObservabilityStack,
    ServiceMesh,
)
"""Every component, as the package offers them."""

__all__ = ["COMPONENTS", "AutoscalingPolicy", "MeshedMCPService", "ObservabilityStack", "ServiceMesh"]
