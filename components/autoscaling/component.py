"""Component `AutoscalingPolicy`: KEDA once per cluster, and an autoscaler for every service that scales."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import pulumi

from meshed_mcp.components.autoscaling import scalers
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs
from meshed_mcp.components.autoscaling.fast_scaler import pod_deletion_cost
from meshed_mcp.components.autoscaling.fast_scaler.manifests import eligible_targets, fast_scaler_manifests
from meshed_mcp.components.autoscaling.forecast import rules
from meshed_mcp.components.autoscaling.keda import values
from meshed_mcp.components.autoscaling.nodes import manifests as nodes
from meshed_mcp.components.autoscaling.nodes import provisioning
from meshed_mcp.components.autoscaling.vpa import manifests as vpa
from meshed_mcp.components.core import register
from meshed_mcp.components.core.manifest import Manifest, selected_by_prometheus
from meshed_mcp.components.core.platform_objects import for_platform


def labeled(items: Iterable[Manifest], args: AutoscalingPolicyArgs) -> list[Manifest]:
    """The objects, with the labels by which an existing Prometheus selects monitors and rules."""
    return selected_by_prometheus(items, args.monitor_labels, args.rule_labels)


MINIMUM: Final = "spec.minReplicaCount"
"""Field that the fast scaler owns after creation."""


class AutoscalingPolicy(register.Component):
    """Autoscaling of MCP servers on in-flight requests, sessions, queues, CPU, memory and schedules.

    `args` are AutoscalingPolicyArgs or the same as a mapping. The Deployments must ignore changes of `spec.replicas`,
    otherwise every update resets the size: list the versions in `autoscaled` of MeshedMCPService.
    """

    scaled_objects: pulumi.Output[list[str]]
    """`namespace/name` of each ScaledObject, or of each HorizontalPodAutoscaler without KEDA."""

    keda_namespace: pulumi.Output[str]
    """Namespace in which KEDA runs."""

    def __init__(
        self,
        name: str,
        args: AutoscalingPolicyArgs | Mapping[str, Any],
        opts: pulumi.ResourceOptions | None = None,
        transform: register.Transforms | None = None,
    ) -> None:
        checked = AutoscalingPolicyArgs.model_validate(args)
        super().__init__("meshed-mcp:index:AutoscalingPolicy", name, register.inputs(checked), opts)
        self.finish_with(checked.defaults, transform)
        child = pulumi.ResourceOptions(parent=self)
        namespaces = register.objects(values.namespaces(checked), child)
        namespaces += register.objects(values.user_id_bindings(checked), register.after(child, namespaces))
        keda = register.releases_in_order(values.keda_releases(checked), register.after(child, namespaces))
        register.objects(labeled(rules.forecast_rules(checked), checked), child)
        made = scalers.autoscaler_manifests(checked)
        raised = {("ScaledObject", target): [MINIMUM] for target in eligible_targets(checked)}
        register.objects(made, register.after(child, keda), raised)
        agents = [*fast_scaler_manifests(checked), *pod_deletion_cost.pod_deletion_cost_manifests(checked)]
        register.objects(labeled(for_platform(agents, checked.cluster_platform), checked), child)
        vpa_namespaces = register.objects(vpa.namespaces(checked), child)
        vpa_namespaces += register.objects(vpa.user_id_bindings(checked), register.after(child, vpa_namespaces))
        controllers = register.releases_in_order(vpa.vpa_releases(checked), register.after(child, vpa_namespaces))
        register.objects(vpa.vpa_manifests(checked), register.after(child, controllers))
        capacity = [*nodes.node_manifests(checked), *provisioning.node_pools(checked)]
        register.objects(for_platform(capacity, checked.cluster_platform), child)
        register.releases_in_order(provisioning.cluster_autoscaler_releases(checked), child)
        self.scaled_objects = pulumi.Output.from_input([register.resource_name(item) for item in made])
        self.keda_namespace = pulumi.Output.from_input(checked.keda.namespace)
        self.register_outputs({"scaled_objects": self.scaled_objects, "keda_namespace": self.keda_namespace})
