"""Node autoscaling: Karpenter NodePools, or the release of the Cluster Autoscaler.

Which pods run on spot nodes is in `components/mesh/service/scheduling.py`.
"""

from typing import Any, Final

from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs
from meshed_mcp.components.autoscaling.nodes.args import BufferKind, ClusterAutoscalerSettings, KarpenterSettings
from meshed_mcp.components.core.charts import Chart, ReleaseSpec
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.core.node_labels import CAPACITY_TYPE, ON_DEMAND, SPOT, SPOT_TAINT

CLUSTER_AUTOSCALER: Final = Chart("cluster-autoscaler", "9.59.0", "https://kubernetes.github.io/autoscaler")
"""Version 1.35.0 of the autoscaler, the first with capacity buffers in `v1beta1`."""

POOL_WEIGHTS: Final = {SPOT: 50, ON_DEMAND: 10}
"""Karpenter tries the cheaper pool first; pods without a toleration of its taint use the other. Source: `weight`."""

EXPIRE_AFTER: Final = "720h"
"""Age at which a node is replaced. Source: Karpenter, NodePool, default of `expireAfter`."""

DISRUPTED_NODES: Final = "10%"
"""Nodes that may be removed at a time. Source: Karpenter, NodePool, default of `disruption.budgets`."""


def node_pools(args: AutoscalingPolicyArgs) -> list[Manifest]:
    """The NodePools, or none."""
    karpenter = args.nodes.karpenter if args.nodes else None
    if karpenter is None:
        return []
    return [node_pool(kind, karpenter) for kind in ([SPOT] if karpenter.spot else []) + [ON_DEMAND]]


def node_pool(capacity: str, settings: KarpenterSettings) -> Manifest:
    """The pool of one capacity type."""
    taints = {"taints": [{"key": SPOT_TAINT, "value": "true", "effect": "NoSchedule"}]} if capacity == SPOT else {}
    spec = {
        "weight": POOL_WEIGHTS[capacity],
        "limits": {"cpu": str(settings.cores)},
        "disruption": {
            "consolidationPolicy": "WhenEmptyOrUnderutilized",
            "consolidateAfter": f"{settings.empty_minutes}m",
            "budgets": [{"nodes": DISRUPTED_NODES}],
        },
        "template": {
            "spec": {
                "nodeClassRef": settings.node_class.model_dump(),
                "requirements": [
                    {"key": CAPACITY_TYPE, "operator": "In", "values": [capacity]},
                    {"key": "kubernetes.io/arch", "operator": "In", "values": settings.architectures},
                ],
                **taints,
                "expireAfter": EXPIRE_AFTER,
                "terminationGracePeriod": f"{settings.drain_minutes}m",
            }
        },
    }
    return manifest("karpenter.sh/v1", "NodePool", metadata(f"mcp-{capacity}"), spec)


def cluster_autoscaler_releases(args: AutoscalingPolicyArgs) -> list[ReleaseSpec]:
    """The Cluster Autoscaler's release, or none."""
    settings = args.nodes.cluster_autoscaler if args.nodes else None
    if args.nodes is None or settings is None:
        return []
    chart = CLUSTER_AUTOSCALER.mirrored(args.chart_mirror)
    return [
        ReleaseSpec(
            "cluster-autoscaler", settings.namespace, chart, cluster_autoscaler_values(settings, args.nodes.buffer.kind)
        )
    ]


def cluster_autoscaler_values(settings: ClusterAutoscalerSettings, kind: BufferKind) -> Manifest:
    """Chart values: defaults, overridden by the stack's values recursively."""
    held = {"capacity-buffer-controller-enabled": True, "capacity-buffer-pod-injection-enabled": True}
    ours = {
        "replicaCount": 2,
        "extraArgs": {
            "expander": "priority,least-waste",
            "balance-similar-node-groups": True,  # even zones, as the pods' topology spread needs
            "skip-nodes-with-local-storage": False,  # every server has an emptyDir, which would prevent scale-in
            **(held if kind is BufferKind.CAPACITY_BUFFER else {}),
        },
        "expanderPriorities": priorities(settings.priorities),
    }
    return merged(ours, settings.values)


def priorities(wanted: dict[int, list[str]]) -> dict[str, list[str]]:
    """Configuration of the priority expander, highest first; `.*` includes groups without a match."""
    return {str(level): wanted[level] for level in sorted(wanted, reverse=True)} | {"1": [".*"]}


def merged(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """`theirs` over `ours`, recursively."""
    both = ours.keys() & theirs.keys()
    nested = [key for key in both if isinstance(ours[key], dict) and isinstance(theirs[key], dict)]
    return {**ours, **theirs, **{key: merged(ours[key], theirs[key]) for key in nested}}
