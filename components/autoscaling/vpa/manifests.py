"""VerticalPodAutoscalers of the targets, and the VPA chart.

Only the server's container is sized: VPA ignores init containers, which native sidecars are; their size is `proxy`.
"""

from typing import Final

from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs, ScalingTarget
from meshed_mcp.components.autoscaling.vpa.args import LEAST_CPU, LEAST_MEMORY, Resource, Sizing, sized
from meshed_mcp.components.core.charts import Chart, OptionalInstall, ReleaseSpec
from meshed_mcp.components.core.manifest import RESTRICTED_CONTAINER, Manifest, controller_namespace, manifest, metadata
from meshed_mcp.components.core.platform_objects import user_id_binding
from meshed_mcp.components.core.quantity import cpu_millicores, memory_bytes

VPA: Final = Chart("vertical-pod-autoscaler", "0.11.0", "https://kubernetes.github.io/autoscaler")
"""Version 1.7.1 of the controllers, in which `InPlaceOrRecreate` is generally available (since 1.6)."""

UPDATE_MODES: Final = {Sizing.OFF: "Off", Sizing.INITIAL: "Initial", Sizing.IN_PLACE: "InPlaceOrRecreate"}
"""Source: VPA, `updateMode`; unset it would be `Recreate`, which evicts."""


def vpa_manifests(args: AutoscalingPolicyArgs) -> list[Manifest]:
    """A VerticalPodAutoscaler for every target; none without the VPA controllers."""
    if args.vpa.install is OptionalInstall.NONE:
        return []
    return [right_sizing(name, target, args) for name, target in args.targets.items()]


def right_sizing(name: str, target: ScalingTarget, args: AutoscalingPolicyArgs) -> Manifest:
    """The VerticalPodAutoscaler of one target."""
    chosen = sized(target.right_sizing, target.profile, target.counted)
    # VPA's default minimum of two replicas would never resize a single one.
    at_least = {"minReplicas": 1} if target.max_replicas == 1 else {}
    largest = target.right_sizing.most_cpu
    most_cpu = min(largest, target.cpu_limit or largest, key=cpu_millicores)
    least_memory = min(LEAST_MEMORY, target.memory_limit, key=memory_bytes)
    least = {Resource.CPU: min(LEAST_CPU, most_cpu, key=cpu_millicores), Resource.MEMORY: least_memory}
    most = {Resource.CPU: most_cpu, Resource.MEMORY: target.memory_limit}  # the API server rejects larger requests
    spec = {
        "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target.deployment or name},
        "updatePolicy": {"updateMode": UPDATE_MODES[chosen.mode], **at_least},
        "resourcePolicy": {
            "containerPolicies": [
                {
                    "containerName": target.container,
                    "controlledResources": [resource.value for resource in chosen.resources],
                    "controlledValues": "RequestsOnly",  # limits are set by the stack
                    "minAllowed": {resource.value: least[resource] for resource in chosen.resources},
                    "maxAllowed": {resource.value: most[resource] for resource in chosen.resources},
                },
                {"containerName": "*", "mode": "Off"},
            ]
        },
    }
    return manifest("autoscaling.k8s.io/v1", "VerticalPodAutoscaler", metadata(name, args.namespace), spec)


def vpa_releases(args: AutoscalingPolicyArgs) -> list[ReleaseSpec]:
    """The controllers' release, or none."""
    if args.vpa.install is not OptionalInstall.COMPONENT:
        return []
    return [ReleaseSpec("vpa", args.vpa.namespace, VPA.mirrored(args.chart_mirror), vpa_values(args.vpa.replicas))]


def namespaces(args: AutoscalingPolicyArgs) -> list[Manifest]:
    """The controllers' namespace, or none."""
    if args.vpa.install is not OptionalInstall.COMPONENT:
        return []
    return [controller_namespace("vpa", args.vpa.namespace)]


def user_id_bindings(args: AutoscalingPolicyArgs) -> list[Manifest]:
    """The binding of the chart's user ids on platforms that assign others."""
    if args.vpa.install is not OptionalInstall.COMPONENT:
        return []
    return user_id_binding(args.vpa.namespace, args.cluster_platform)


def vpa_values(replicas: int) -> Manifest:
    """Chart values: certificates by cert-manager instead of hook jobs, and disruption budgets that allow drains.

    `minAvailable: 0` replaces the chart's 1, which blocks the drain of a single replica; Pulumi drops a null.
    """
    part = {"replicas": replicas, "podDisruptionBudget": {"enabled": True, "minAvailable": 0, "maxUnavailable": 1}}
    return {
        "podSecurityContext": {"runAsNonRoot": True, "runAsUser": 65534, "seccompProfile": {"type": "RuntimeDefault"}},
        "containerSecurityContext": RESTRICTED_CONTAINER,
        "admissionController": {
            **part,
            "certGen": {"enabled": False},
            "certManager": {"enabled": True, "createSelfSignedIssuer": {"enabled": True}},
        },
        "recommender": part,
        "updater": part,
    }
