"""Scheduling of a service's pods: settings, priority, affinity, tolerations and disruption."""

from pydantic import Field

from meshed_mcp.components.core import node_labels
from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.manifest import Manifest


class Scheduling(Model):
    """Scheduling of a service's pods; by default the cluster decides."""

    priority_class: str | None = None
    """PriorityClass of the pods; unset = the cluster's default."""

    interruptible: bool | None = None
    """True = pods prefer spot nodes, False = pods avoid spot nodes; unset = the cluster decides."""

    undisturbed_seconds: int | None = Field(default=None, ge=1, le=86_400)
    """Seconds for which a running pod protects its node from consolidation; unset = no protection."""


def annotations(settings: Scheduling) -> dict[str, str]:
    """Annotations for Karpenter. Source: Karpenter 1.15, "karpenter.sh/do-not-disrupt", a duration."""
    if settings.undisturbed_seconds is None:
        return {}
    return {"karpenter.sh/do-not-disrupt": f"{settings.undisturbed_seconds}s"}


def pod_fields(settings: Scheduling) -> Manifest:
    """Priority, affinity and tolerations of a pod; empty if the cluster decides."""
    priority = {} if settings.priority_class is None else {"priorityClassName": settings.priority_class}
    if settings.interruptible is None:
        return priority
    return {**priority, **(on_spot() if settings.interruptible else off_spot())}


def on_spot() -> Manifest:
    """Prefer spot nodes; a requirement would stop the service when spot capacity is short."""
    preference = {"weight": 100, "preference": {"matchExpressions": [capacity_type("In")]}}
    taint = {"key": node_labels.SPOT_TAINT, "operator": "Exists", "effect": "NoSchedule"}
    return {
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [preference]}},
        "tolerations": [taint],
    }


def off_spot() -> Manifest:
    """Avoid spot nodes; nodes without the label count as regular, so clusters without Karpenter work."""
    terms = {"nodeSelectorTerms": [{"matchExpressions": [capacity_type("NotIn")]}]}
    return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}}


def capacity_type(operator: str) -> Manifest:
    """Node selector requirement on the capacity type label of Karpenter."""
    return {"key": node_labels.CAPACITY_TYPE, "operator": operator, "values": [node_labels.SPOT]}
