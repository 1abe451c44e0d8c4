"""What a stack says about nodes: room kept free, images pulled ahead, and who makes nodes for replicas.

Values in, frozen models out. Not here: the objects made of them (`manifests.py`, `provisioning.py`), on which nodes a
service may run (`interruptible` in `scaling_args.py`). Machines and networks belong to the cloud's own program.
"""

import re
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import namespace_name, object_name
from meshed_mcp.error_codes.autoscaling import (
    INVALID_EXPRESSION,
    INVALID_PRIORITY,
    TWO_NODE_AUTOSCALERS,
    UNKNOWN_ARCHITECTURE,
)


class BufferKind(StrEnum):
    """What keeps room free on nodes."""

    NONE = "none"
    """Nothing: a replica without room waits for a node, two to four minutes."""

    PAUSE = "pause"
    """Pods that do nothing and leave at once for real ones; any Kubernetes, any autoscaler of nodes."""

    CAPACITY_BUFFER = "capacity-buffer"
    """A CapacityBuffer: no pods; the Cluster Autoscaler from 1.35 on, or Karpenter with its alpha gate."""


class Buffer(Model):
    """Room for replicas that do not run yet."""

    kind: BufferKind = BufferKind.NONE
    """`none`, `pause` or `capacity-buffer`."""

    replicas: int = Field(default=1, ge=1, le=100)
    """For how many replicas of the largest service there is room: as many as a step in load asks for at once."""


ARCHITECTURES: Final = ("amd64", "arm64")
"""Source: Kubernetes, well-known label `kubernetes.io/arch`, the values that Istio's images are published for."""


class NodeClass(Model):
    """The cloud's description of a machine, which exists."""

    group: str = Field(min_length=1)
    """API group, e.g. `karpenter.k8s.aws`."""

    kind: str = Field(min_length=1)
    """Kind, e.g. `EC2NodeClass`."""

    name: Annotated[str, AfterValidator(object_name)]
    """Name of the object."""


class KarpenterSettings(Model):
    """Karpenter's NodePools for this stack; Karpenter itself belongs to the cloud's own program."""

    node_class: NodeClass
    """What every node of the pools is."""

    cores: int = Field(default=64, ge=1, le=100_000)
    """Most CPU that one pool may have, cores: the bound of what it may cost."""

    spot: bool = False
    """True = a second, preferred pool of machines that the cloud takes back within minutes, for services that may be
    interrupted."""

    architectures: list[str] = Field(default=["amd64"], min_length=1)
    """Processors that the stack's images are built for."""

    empty_minutes: int = Field(default=5, ge=0, le=1440)
    """How long a node must have been underused before it is removed. Source: replicas added by a burst leave after five
    quiet minutes (`scale_down.stabilization_seconds`); a shorter time would remove nodes between two bursts."""

    drain_minutes: int = Field(default=60, ge=1, le=1440)
    """How long a node that must go waits for its pods, whatever their budgets say."""

    @field_validator("architectures")
    @classmethod
    def _are_known(cls, value: list[str]) -> list[str]:
        unknown = [item for item in value if item not in ARCHITECTURES]
        if unknown:
            raise UNKNOWN_ARCHITECTURE.error(name=unknown[0], known=", ".join(ARCHITECTURES))
        return value


class ClusterAutoscalerSettings(Model):
    """The Cluster Autoscaler, as a pinned release."""

    namespace: Annotated[str, AfterValidator(namespace_name)] = "kube-system"
    """Namespace of the release. A system namespace allows its priority class."""

    priorities: dict[int, list[str]] = Field(default_factory=dict)
    """Priority -> regular expressions of names of node groups; the highest that can grow is chosen, so cheap ones get
    the higher numbers. Groups that none matches come last."""

    values: dict[str, Any] = Field(default_factory=dict)
    """Values of the chart that the cloud asks for, e.g. `cloudProvider` and `autoDiscovery`. Source: chart
    `cluster-autoscaler`."""

    @field_validator("priorities")
    @classmethod
    def _are_expressions(cls, value: dict[int, list[str]]) -> dict[int, list[str]]:
        for priority, expressions in value.items():
            if priority < LEAST_PRIORITY or not expressions:
                raise INVALID_PRIORITY.error(priority=priority, least=LEAST_PRIORITY)
            for expression in expressions:
                compiles(expression)
        return value


LEAST_PRIORITY: Final = 2
"""1 is what groups get that no expression matches: the autoscaler would never use them otherwise."""


def compiles(expression: str) -> None:
    """Raise ValueError for what is no regular expression."""
    try:
        re.compile(expression)
    except re.error as error:
        raise INVALID_EXPRESSION.error(expression=expression, error=error) from None


class NodeSettings(Model):
    """Nodes for the replicas of a stack."""

    buffer: Buffer = Buffer()
    pre_pull: bool = False
    """True = every node of the cluster pulls the services' images when they are deployed, so that no replica waits for
    them. Needs Kubernetes 1.35 (image volumes)."""

    karpenter: KarpenterSettings | None = None
    """NodePools, where Karpenter makes the nodes."""

    cluster_autoscaler: ClusterAutoscalerSettings | None = None
    """The Cluster Autoscaler, where it shall make the nodes."""

    @model_validator(mode="after")
    def _has_one_maker_of_nodes(self) -> Self:
        if self.karpenter is not None and self.cluster_autoscaler is not None:
            raise TWO_NODE_AUTOSCALERS.error()
        return self
