"""Pulumi components: service mesh, observability stack, MCP service, autoscaling policy.

Components are imported on first use, so that the pure modules of the package do not import Pulumi.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from meshed_mcp import extras

if TYPE_CHECKING:
    import pulumi

    from meshed_mcp.components.autoscaling.component import AutoscalingPolicy
    from meshed_mcp.components.mesh.component import MeshedMCPService, ServiceMesh
    from meshed_mcp.components.observability.component import ObservabilityStack

    COMPONENTS: tuple[type[pulumi.ComponentResource], ...]
    """Every component of the package."""

__all__ = ["COMPONENTS", "AutoscalingPolicy", "MeshedMCPService", "ObservabilityStack", "ServiceMesh"]

_PACKAGES: Final = {
    "AutoscalingPolicy": "autoscaling",
    "MeshedMCPService": "mesh",
    "ObservabilityStack": "observability",
    "ServiceMesh": "mesh",
}
"""Component -> package of its module `component`."""


def __getattr__(name: str) -> Any:
    """Import a component, or all of them. Source: PEP 562."""
    if name == "COMPONENTS":
        return tuple(map(__getattr__, _PACKAGES))
    if name not in _PACKAGES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with extras.required("platform"):
        return getattr(import_module(f"{__name__}.{_PACKAGES[name]}.component"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
