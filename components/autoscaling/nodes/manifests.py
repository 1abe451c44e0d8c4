"""Spare capacity on nodes: PriorityClasses, pause pods or capacity buffers, and image pre-pulling."""

from typing import Final

from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs
from meshed_mcp.components.autoscaling.nodes.args import BufferKind, NodeSettings
from meshed_mcp.components.core.manifest import RESTRICTED_CONTAINER, Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.core.node_labels import BUFFER_PRIORITY_CLASS, SERVICE_PRIORITY_CLASS, SPOT_TAINT
from meshed_mcp.components.pod.manifests import adapt_pod, adapt_workload, placement_only

SERVICE_PRIORITY: Final = 1000
"""Above the 0 of pods without a class, so that services preempt batch work; far below system classes."""

BUFFER_PRIORITY: Final = -10
"""Lowest priority for which the Cluster Autoscaler adds a node. Source: default of its
`--expendable-pods-priority-cutoff`."""

PAUSE_IMAGE: Final = "registry.k8s.io/pause:3.10.1"

BUFFER: Final = "mcp-buffer"
PRE_PULL: Final = "mcp-pre-pull"


def node_manifests(args: AutoscalingPolicyArgs) -> list[Manifest]:
    """All objects of `nodes`; none if it is unset."""
    if args.nodes is None:
        return []
    return [*priority_classes(args.nodes), *buffer(args, args.nodes), *pre_pull(args, args.nodes)]


def priority_classes(nodes: NodeSettings) -> list[Manifest]:
    """The class of the services and, with pause pods, theirs; neither is the cluster's default."""
    values = {SERVICE_PRIORITY_CLASS: (SERVICE_PRIORITY, "MCP services: before batch work")}
    if nodes.buffer.kind is BufferKind.PAUSE:
        values[BUFFER_PRIORITY_CLASS] = (BUFFER_PRIORITY, "Room for MCP services; leaves for any pod")
    common = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "globalDefault": False}
    return [
        {**common, "metadata": metadata(name), "value": value, "description": description}
        for name, (value, description) in values.items()
    ]


def buffer(args: AutoscalingPolicyArgs, nodes: NodeSettings) -> list[Manifest]:
    """Spare capacity for `buffer.replicas` of the largest service."""
    if nodes.buffer.kind is BufferKind.NONE:
        return []
    meta = metadata(BUFFER, args.namespace)
    labels = standard_labels(BUFFER) | {"sidecar.istio.io/inject": "false"}
    template = {"metadata": {"labels": labels}, "spec": pause_pod(args, nodes.buffer.kind)}
    if nodes.buffer.kind is BufferKind.CAPACITY_BUFFER:
        shape = manifest("v1", "PodTemplate", meta, template=adapt_pod(template, placement_only(nodes.pods)))
        spec = {"podTemplateRef": {"name": BUFFER}, "replicas": nodes.buffer.replicas}
        return [shape, manifest("autoscaling.x-k8s.io/v1beta1", "CapacityBuffer", meta, spec)]
    selector = {"matchLabels": standard_labels(BUFFER)}
    spec = {"replicas": nodes.buffer.replicas, "selector": selector, "template": template}
    return [adapt_workload(manifest("apps/v1", "Deployment", meta, spec), placement_only(nodes.pods))]


def pause_pod(args: AutoscalingPolicyArgs, kind: BufferKind) -> Manifest:
    """A pod of the largest replica's size that terminates at once, under the restricted Pod Security Standard."""
    return {
        **({"priorityClassName": BUFFER_PRIORITY_CLASS} if kind is BufferKind.PAUSE else {}),
        "terminationGracePeriodSeconds": 0,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65535, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [pause_container({"cpu": args.largest_cpu, "memory": args.largest_memory})],
    }


def pause_container(size: dict[str, str]) -> Manifest:
    """The pause container, with limits equal to its requests."""
    return {
        "name": "pause",
        "image": PAUSE_IMAGE,
        "resources": {"requests": size, "limits": dict(size)},
        "securityContext": RESTRICTED_CONTAINER,
    }


PULL_SIZE: Final = {"cpu": "10m", "memory": "16Mi"}
"""Size of the pause container that mounts the images."""


def pre_pull(args: AutoscalingPolicyArgs, nodes: NodeSettings) -> list[Manifest]:
    """DaemonSet that mounts each image as a volume, which pulls and keeps it without starting a container of it.

    Source: Kubernetes, "Image volumes".
    """
    if not nodes.pre_pull or not args.images:
        return []
    mounts = [
        {"name": f"image-{number}", "mountPath": f"/images/{number}", "readOnly": True}
        for number in range(len(args.images))
    ]  # a volume that no container mounts might not be pulled
    labels = standard_labels(PRE_PULL) | {"sidecar.istio.io/inject": "false"}
    pod = {
        **pause_pod(args, BufferKind.NONE),
        "tolerations": [{"key": SPOT_TAINT, "operator": "Exists", "effect": "NoSchedule"}],
        "containers": [{**pause_container(PULL_SIZE), "volumeMounts": mounts}],
        "volumes": [
            {"name": f"image-{number}", "image": {"reference": image, "pullPolicy": "IfNotPresent"}}
            for number, image in enumerate(args.images)
        ],
    }
    spec = {
        "selector": {"matchLabels": standard_labels(PRE_PULL)},
        "template": {"metadata": {"labels": labels}, "spec": pod},
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%"}},
    }
    return [
        adapt_workload(
            manifest("apps/v1", "DaemonSet", metadata(PRE_PULL, args.namespace), spec), placement_only(nodes.pods)
        )
    ]
