"""Names by which pods and nodes find each other: labels of nodes, taints, priority classes.

Constants alone: the mesh's pods and the node pools of autoscaling must agree on them.
"""

from typing import Final

CAPACITY_TYPE: Final = "karpenter.sh/capacity-type"
"""Label of a node: `spot` or `on-demand`. Source: Karpenter, well-known labels."""

SPOT: Final = "spot"
ON_DEMAND: Final = "on-demand"

SPOT_TAINT: Final = "meshed-mcp/interruptible"
"""Taint of our spot nodes: only pods that say they may be interrupted run there."""

SERVICE_PRIORITY_CLASS: Final = "mcp-service"
"""PriorityClass of the services' pods."""

BUFFER_PRIORITY_CLASS: Final = "mcp-buffer"
"""PriorityClass of pods that only keep room free."""
