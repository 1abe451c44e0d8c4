"""Node labels, taints and priority classes, shared by the pods of the mesh and the node pools of autoscaling."""

from typing import Final

CAPACITY_TYPE: Final = "karpenter.sh/capacity-type"
"""Node label: `spot` or `on-demand`. Source: Karpenter, well-known labels."""

SPOT: Final = "spot"
ON_DEMAND: Final = "on-demand"

SPOT_TAINT: Final = "meshed-mcp/interruptible"
"""Taint of spot nodes, which interruptible pods tolerate."""

SERVICE_PRIORITY_CLASS: Final = "mcp-service"
"""PriorityClass of the services' pods."""

BUFFER_PRIORITY_CLASS: Final = "mcp-buffer"
"""PriorityClass of pause pods."""
