"""Arguments of nodes: spare capacity, image pre-pulling and node autoscaling.

Which services may run on spot nodes is `interruptible` in `scaling_args.py`. Machines and networks belong to the
program of the cloud.
"""

import re
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import namespace_name, object_name
from meshed_mcp.components.pod.args import PlacementSettings
from meshed_mcp.error_codes import autoscaling as codes


class BufferKind(StrEnum):
    """Kind of spare capacity on nodes."""

    NONE = "none"
    """None: a replica that fits no node waits for a new one, two to four minutes."""

    PAUSE = "pause"
    """Pause pods with negative priority, preempted by real ones; any Kubernetes, any node autoscaler."""

    CAPACITY_BUFFER = "capacity-buffer"
    """A CapacityBuffer without pods; Cluster Autoscaler from 1.35 on, or Karpenter with its alpha feature gate."""


class Buffer(Model):
    """Spare capacity for replicas."""

    kind: BufferKind = BufferKind.NONE
    """`none`, `pause` or `capacity-buffer`."""

    replicas: int = Field(default=1, ge=1, le=100)
    """Spare capacity, in replicas of the largest service: as many as a step in load adds at once."""


ARCHITECTURES: Final = ("amd64", "arm64")
"""Source: Kubernetes, well-known label `kubernetes.io/arch`, the values that Istio's images are published for."""


class NodeClass(Model):
    """Reference to the cloud's existing node class."""

    group: str = Field(min_length=1)
    """API group, e.g. `karpenter.k8s.aws`."""

    kind: str = Field(min_length=1)
    """Kind of the object, e.g. `EC2NodeClass`."""

    name: Annotated[str, AfterValidator(object_name)]
    """Name of the object."""


class KarpenterSettings(Model):
    """Karpenter NodePools of this stack; the program of the cloud installs Karpenter."""

    node_class: NodeClass
    """Node class of the pools."""

    cores: int = Field(default=64, ge=1, le=100_000)
    """CPU limit of one pool, cores, which bounds its cost."""

    spot: bool = False
    """True: a second, preferred pool of spot nodes for interruptible services."""

    architectures: list[str] = Field(default=["amd64"], min_length=1)
    """Architectures that the stack's images are built for."""

    empty_minutes: int = Field(default=5, ge=0, le=1440)
    """Minutes that a node must be underused before its removal. Source: `scale_down.stabilization_seconds`; a shorter
    time removes nodes between two bursts."""

    drain_minutes: int = Field(default=60, ge=1, le=1440)
    """Minutes until a node is removed regardless of disruption budgets."""

    @field_validator("architectures")
    @classmethod
    def _are_known(cls, value: list[str]) -> list[str]:
        unknown = [item for item in value if item not in ARCHITECTURES]
        if unknown:
            raise codes.UNKNOWN_ARCHITECTURE.error(name=unknown[0], known=", ".join(ARCHITECTURES))
        return value


class ClusterAutoscalerSettings(Model):
    """The Cluster Autoscaler, as a pinned release."""

    namespace: Annotated[str, AfterValidator(namespace_name)] = "kube-system"
    """Namespace of the release; a system namespace allows its priority class."""

    priorities: dict[int, list[str]] = Field(default_factory=dict)
    """Priority -> regular expressions of node group names. The highest priority that can grow is chosen, so give cheap
    groups high numbers. Groups without a match come last."""

    values: dict[str, Any] = Field(default_factory=dict)
    """Chart values of the cloud, e.g. `cloudProvider` and `autoDiscovery`. Source: chart `cluster-autoscaler`."""

    @field_validator("priorities")
    @classmethod
    def _are_expressions(cls, value: dict[int, list[str]]) -> dict[int, list[str]]:
        for priority, expressions in value.items():
            if priority < LEAST_PRIORITY or not expressions:
                raise codes.INVALID_PRIORITY.error(priority=priority, least=LEAST_PRIORITY)
            for expression in expressions:
                try:
                    re.compile(expression)
                except re.error as error:
                    raise codes.INVALID_EXPRESSION.error(expression=expression, error=error) from None
        return value


LEAST_PRIORITY: Final = 2
"""1 is the priority of groups without a match, which the autoscaler otherwise never uses."""


class NodeSettings(Model):
    """Nodes of a stack's replicas."""

    buffer: Buffer = Buffer()
    pre_pull: bool = False
    """True: every node of the cluster pulls the services' images at deployment. Needs Kubernetes 1.35 (image
    volumes)."""

    pods: PlacementSettings = PlacementSettings()
    """Options of the pods of buffer and pre-pull: those of the services, so that they run on the same nodes."""

    karpenter: KarpenterSettings | None = None
    """NodePools, if Karpenter provisions the nodes."""

    cluster_autoscaler: ClusterAutoscalerSettings | None = None
    """The Cluster Autoscaler, if it provisions the nodes."""

    @model_validator(mode="after")
    def _has_one_node_autoscaler(self) -> Self:
        if self.karpenter is not None and self.cluster_autoscaler is not None:
            raise codes.TWO_NODE_AUTOSCALERS.error()
        return self
