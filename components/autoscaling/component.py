"""AutoscalingPolicy: KEDA once per cluster, and a ScaledObject for every service that scales.

Registers what `keda_values.py` and `scaled_object.py` return, in the order namespace, KEDA, ScaledObjects.
"""

from collections.abc import Mapping
from typing import Any

import pulumi

from meshed_mcp.components.autoscaling import keda_values, scaled_object
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs
from meshed_mcp.components.core import register


class AutoscalingPolicy(pulumi.ComponentResource):
    """Scales Deployments of MCP servers by the calls in work and waiting, and by their CPU.

    `args` are AutoscalingPolicyArgs or the same as a mapping. The Deployments must ignore changes of `spec.replicas`,
    as those of MeshedMCPService do, or every update resets the size.
    """

    scaled_objects: pulumi.Output[list[str]]
    """`namespace/name` of each ScaledObject."""

    keda_namespace: pulumi.Output[str]
    """Namespace in which KEDA runs."""

    def __init__(
        self,
        name: str,
        args: AutoscalingPolicyArgs | Mapping[str, Any],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        checked = AutoscalingPolicyArgs.model_validate(args)
        super().__init__("meshed-mcp:index:AutoscalingPolicy", name, checked.model_dump(by_alias=True), opts)
        child = pulumi.ResourceOptions(parent=self)
        namespaces = register.objects(keda_values.namespaces(checked), child)
        keda = register.releases_in_order(keda_values.releases(checked), register.after(child, namespaces))
        scalers = scaled_object.manifests(checked)
        register.objects(scalers, register.after(child, keda))
        self.scaled_objects = pulumi.Output.from_input([register.resource_name(item) for item in scalers])
        self.keda_namespace = pulumi.Output.from_input(checked.keda.namespace)
        self.register_outputs({"scaled_objects": self.scaled_objects, "keda_namespace": self.keda_namespace})
