"""Pod fields that choose a node: there is one machine here, so they are read and have no effect.

Source: Kubernetes Pod API, `affinity.nodeAffinity` and `tolerations`. Affinity to pods is not among them: nothing we
render has it, and it is refused.
"""

from typing import Literal

from meshed_mcp.local.translate.objects.fields import Fields


class Expression(Fields):
    """A condition on a node's label."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: tuple[str, ...] = ()


class NodeTerm(Fields):
    """Conditions that hold together."""

    match_expressions: tuple[Expression, ...]


class PreferredNodes(Fields):
    """Nodes that are taken first."""

    weight: int
    preference: NodeTerm


class RequiredNodes(Fields):
    """Nodes that are taken at all."""

    node_selector_terms: tuple[NodeTerm, ...]


class NodeAffinity(Fields):
    """Both."""

    preferred_during_scheduling_ignored_during_execution: tuple[PreferredNodes, ...] = ()
    required_during_scheduling_ignored_during_execution: RequiredNodes | None = None


class Affinity(Fields):
    """Where a pod runs."""

    node_affinity: NodeAffinity


class Toleration(Fields):
    """A taint that is borne."""

    key: str
    operator: Literal["Exists", "Equal"] = "Equal"
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]
