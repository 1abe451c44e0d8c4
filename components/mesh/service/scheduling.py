"""The fields of a pod that say on which nodes it runs: priority, spot nodes, and how long it may stay.

Settings in, parts of a pod out. Not here: spread over zones and nodes (workload.py), the nodes themselves
(components/autoscaling).
"""

from meshed_mcp.components.core import node_labels
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.mesh.service.scheduling_args import Scheduling


def annotations(settings: Scheduling) -> dict[str, str]:
    """What Karpenter reads on a pod. Source: Karpenter 1.15, "karpenter.sh/do-not-disrupt", a duration."""
    if settings.undisturbed_seconds is None:
        return {}
    return {"karpenter.sh/do-not-disrupt": f"{settings.undisturbed_seconds}s"}


def pod_fields(settings: Scheduling) -> Manifest:
    """Priority, affinity and tolerations; empty where the cluster decides."""
    priority = {} if settings.priority_class is None else {"priorityClassName": settings.priority_class}
    if settings.interruptible is None:
        return priority
    return {**priority, **(on_spot() if settings.interruptible else off_spot())}


def on_spot() -> Manifest:
    """Spot nodes first, others where there are none: a preference, or a shortage of spot would stop the service."""
    preference = {"weight": 100, "preference": {"matchExpressions": [capacity_type("In")]}}
    taint = {"key": node_labels.SPOT_TAINT, "operator": "Exists", "effect": "NoSchedule"}
    return {
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [preference]}},
        "tolerations": [taint],
    }


def off_spot() -> Manifest:
    """Never on spot nodes; nodes without the label are none, so clusters without Karpenter are not concerned."""
    terms = {"nodeSelectorTerms": [{"matchExpressions": [capacity_type("NotIn")]}]}
    return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}}


def capacity_type(operator: str) -> Manifest:
    """A condition on the label by which Karpenter, and clouds that follow it, tell spot nodes."""
    return {"key": node_labels.CAPACITY_TYPE, "operator": operator, "values": [node_labels.SPOT]}
