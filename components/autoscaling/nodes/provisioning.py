"""Who makes nodes: Karpenter's NodePools, or the Cluster Autoscaler's release. Arguments in, objects and a release out.

Not here: room that is held ahead (`manifests.py`), which pods run on spot nodes
(components/mesh/service/scheduling.py).
"""

from typing import Any, Final

from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs
from meshed_mcp.components.autoscaling.nodes.args import BufferKind, ClusterAutoscalerSettings, KarpenterSettings
from meshed_mcp.components.core.charts import Chart, ReleaseSpec
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.core.node_labels import CAPACITY_TYPE, ON_DEMAND, SPOT, SPOT_TAINT

CLUSTER_AUTOSCALER: Final = Chart("cluster-autoscaler", "9.59.0", "https://kubernetes.github.io/autoscaler")
"""Version 1.35.0 of the autoscaler, the first whose capacity buffers are `v1beta1`."""

POOL_WEIGHTS: Final = {SPOT: 50, ON_DEMAND: 10}
"""The cheaper pool is tried first; who does not tolerate its taint gets the other. Source: Karpenter, `weight`."""

EXPIRE_AFTER: Final = "720h"
"""Age at which a node is replaced. Source: Karpenter, NodePool, default of `expireAfter`."""

DISRUPTED_NODES: Final = "10%"
"""Nodes that may be removed at a time. Source: Karpenter, NodePool, default of `disruption.budgets`."""


def manifests(args: AutoscalingPolicyArgs) -> list[Manifest]:
    """The NodePools, where Karpenter makes the nodes."""
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


def releases(args: AutoscalingPolicyArgs) -> list[ReleaseSpec]:
    """The Cluster Autoscaler's release, or none."""
    settings = args.nodes.cluster_autoscaler if args.nodes else None
    if args.nodes is None or settings is None:
        return []
    chart = CLUSTER_AUTOSCALER.mirrored(args.chart_mirror)
    return [ReleaseSpec("cluster-autoscaler", settings.namespace, chart, values(settings, args.nodes.buffer.kind))]


def values(settings: ClusterAutoscalerSettings, kind: BufferKind) -> Manifest:
    """The chart's values: ours beneath the stack's, which win, mapping by mapping."""
    held = {"capacity-buffer-controller-enabled": True, "capacity-buffer-pod-injection-enabled": True}
    ours = {
        "replicaCount": 2,
        "extraArgs": {
            "expander": "priority,least-waste",
            "balance-similar-node-groups": True,  # zones fill evenly, as the pods' spread asks
            "skip-nodes-with-local-storage": False,  # every server has an emptyDir, which would pin its node for ever
            **(held if kind is BufferKind.CAPACITY_BUFFER else {}),
        },
        "expanderPriorities": priorities(settings.priorities),
    }
    return merged(ours, settings.values)


def priorities(wanted: dict[int, list[str]]) -> dict[str, list[str]]:
    """What the expander reads, the highest first. A group that no expression matches would never be used."""
    return {str(level): wanted[level] for level in sorted(wanted, reverse=True)} | {"1": [".*"]}


def merged(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """`theirs` over `ours`, mapping by mapping."""
    both = {key: merged(ours[key], theirs[key]) for key in ours.keys() & theirs.keys() if is_mapping(ours, theirs, key)}
    return {**ours, **theirs, **both}


def is_mapping(ours: dict[str, Any], theirs: dict[str, Any], key: str) -> bool:
    """Whether both sides have a mapping there."""
    return isinstance(ours[key], dict) and isinstance(theirs[key], dict)
