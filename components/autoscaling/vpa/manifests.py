"""VerticalPodAutoscalers: what replicas of each target should request, and whether they get it; and the chart.

Pure functions: settings in, Kubernetes objects and a release out. Only the server's container is sized: native sidecars
are init containers, which VPA leaves alone; theirs are `proxy` settings of the service.
"""

from typing import Final

from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs, ScalingTarget, VpaInstall
from meshed_mcp.components.autoscaling.vpa.args import LEAST_CPU, LEAST_MEMORY, Resource, Sizing, sized
from meshed_mcp.components.core.charts import Chart, ReleaseSpec
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.core.quantity import cpu_millicores, memory_bytes

VPA: Final = Chart("vertical-pod-autoscaler", "0.11.0", "https://kubernetes.github.io/autoscaler")
"""Version 1.7.1 of the controllers, in which `InPlaceOrRecreate` is generally available (since 1.6)."""

UPDATE_MODES: Final = {Sizing.OFF: "Off", Sizing.INITIAL: "Initial", Sizing.IN_PLACE: "InPlaceOrRecreate"}
"""Source: VPA, `updateMode`; unset it would be `Recreate`, which evicts."""


def manifests(args: AutoscalingPolicyArgs) -> list[Manifest]:
    """A VerticalPodAutoscaler for every target; none where there is nobody to read it."""
    if args.vpa.install is VpaInstall.NONE:
        return []
    return [right_sizing(name, target, args) for name, target in args.targets.items()]


def right_sizing(name: str, target: ScalingTarget, args: AutoscalingPolicyArgs) -> Manifest:
    """The VerticalPodAutoscaler of one target."""
    chosen = sized(target.right_sizing, target.profile, target.counted)
    # A single replica may be replaced too: VPA's own minimum of two would leave it unsized for ever.
    least = {"minReplicas": 1} if target.max_replicas == 1 else {}
    spec = {
        "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target.deployment or name},
        "updatePolicy": {"updateMode": UPDATE_MODES[chosen.mode], **least},
        "resourcePolicy": {
            "containerPolicies": [
                {
                    "containerName": target.container,
                    "controlledResources": [resource.value for resource in chosen.resources],
                    "controlledValues": "RequestsOnly",  # a limit is the stack's promise to the node, not a guess
                    "minAllowed": bounds(chosen.resources, least_of(target)),
                    "maxAllowed": bounds(chosen.resources, most_of(target)),
                },
                {"containerName": "*", "mode": "Off"},
            ]
        },
    }
    return manifest("autoscaling.k8s.io/v1", "VerticalPodAutoscaler", metadata(name, args.namespace), spec)


def bounds(resources: tuple[Resource, ...], of: dict[Resource, str]) -> dict[str, str]:
    """The part of `of` that is sized."""
    return {resource.value: of[resource] for resource in resources}


def least_of(target: ScalingTarget) -> dict[Resource, str]:
    """Smallest requests; no more than the limits, where a container has less."""
    memory = min(LEAST_MEMORY, target.memory_limit, key=memory_bytes)
    return {Resource.CPU: min(LEAST_CPU, most_cpu(target), key=cpu_millicores), Resource.MEMORY: memory}


def most_of(target: ScalingTarget) -> dict[Resource, str]:
    """Largest requests: the API server refuses a request above its limit."""
    return {Resource.CPU: most_cpu(target), Resource.MEMORY: target.memory_limit}


def most_cpu(target: ScalingTarget) -> str:
    """The smaller of the stack's bound and the container's limit."""
    return min(target.right_sizing.most_cpu, target.cpu_limit or target.right_sizing.most_cpu, key=cpu_millicores)


def releases(args: AutoscalingPolicyArgs) -> list[ReleaseSpec]:
    """The controllers' release, or none."""
    if args.vpa.install is not VpaInstall.RELEASE:
        return []
    return [ReleaseSpec("vpa", args.vpa.namespace, VPA.mirrored(args.chart_mirror), values(args.vpa.replicas))]


def namespaces(args: AutoscalingPolicyArgs) -> list[Manifest]:
    """The controllers' namespace, outside the mesh: the API server calls the webhook without a mesh identity."""
    if args.vpa.install is not VpaInstall.RELEASE:
        return []
    labels = standard_labels("vpa") | {
        "istio-injection": "disabled",
        "pod-security.kubernetes.io/enforce": "restricted",
    }
    return [manifest("v1", "Namespace", metadata(args.vpa.namespace, labels=labels))]


def values(replicas: int) -> Manifest:
    """The chart's values: certificates by cert-manager in place of hook jobs, and no controller alone.

    The chart keeps one of each available, which blocks every drain where there is one. It takes either bound, and 0 for
    no bound; a null would not reach it, since Pulumi drops nulls of releases.
    """
    restricted = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True}
    part = {"replicas": replicas, "podDisruptionBudget": {"enabled": True, "minAvailable": 0, "maxUnavailable": 1}}
    return {
        "podSecurityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65534,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containerSecurityContext": restricted,
        "admissionController": {
            **part,
            "certGen": {"enabled": False},
            "certManager": {"enabled": True, "createSelfSignedIssuer": {"enabled": True}},
        },
        "recommender": part,
        "updater": part,
    }
