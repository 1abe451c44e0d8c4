"""Room on nodes before it is needed: priorities, pods or buffers that hold it, images pulled ahead.

Pure functions: arguments in, Kubernetes objects out. Not here: who makes nodes (`provisioning.py`).
"""

from typing import Final

from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs
from meshed_mcp.components.autoscaling.nodes.args import BufferKind, NodeSettings
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.core.node_labels import BUFFER_PRIORITY_CLASS, SERVICE_PRIORITY_CLASS, SPOT_TAINT

SERVICE_PRIORITY: Final = 1000
"""Above the 0 of pods without a class, so that a burst of calls goes before batch work; far below the system's own."""

BUFFER_PRIORITY: Final = -10
"""The lowest that still makes the Cluster Autoscaler add a node. Source: Cluster Autoscaler, default of
`--expendable-pods-priority-cutoff`."""

PAUSE_IMAGE: Final = "registry.k8s.io/pause:3.10.1"
"""Kubernetes' own: a process that only waits."""

BUFFER: Final = "mcp-buffer"
PRE_PULL: Final = "mcp-pre-pull"


def manifests(args: AutoscalingPolicyArgs) -> list[Manifest]:
    """Everything that holds room; nothing where the stack says nothing of nodes."""
    if args.nodes is None:
        return []
    return [*priority_classes(args.nodes), *buffer(args, args.nodes), *pre_pull(args, args.nodes)]


def priority_classes(nodes: NodeSettings) -> list[Manifest]:
    """One class for the services and, where pods hold room, one for those."""
    found = [priority_class(SERVICE_PRIORITY_CLASS, SERVICE_PRIORITY, "MCP services: before batch work")]
    if nodes.buffer.kind is BufferKind.PAUSE:
        found.append(
            priority_class(BUFFER_PRIORITY_CLASS, BUFFER_PRIORITY, "Room for MCP services; leaves for any pod")
        )
    return found


def priority_class(name: str, value: int, description: str) -> Manifest:
    """A PriorityClass that pods name; never the cluster's default."""
    return manifest(
        "scheduling.k8s.io/v1",
        "PriorityClass",
        metadata(name),
        value=value,
        description=description,
        globalDefault=False,
    )


def buffer(args: AutoscalingPolicyArgs, nodes: NodeSettings) -> list[Manifest]:
    """Room for some replicas of the largest service, as the stack wants it held."""
    if nodes.buffer.kind is BufferKind.NONE:
        return []
    meta = metadata(BUFFER, args.namespace)
    template = {"metadata": {"labels": buffer_labels()}, "spec": pause_pod(args, nodes.buffer.kind)}
    if nodes.buffer.kind is BufferKind.CAPACITY_BUFFER:
        shape = manifest("v1", "PodTemplate", meta, template=template)
        spec = {"podTemplateRef": {"name": BUFFER}, "replicas": nodes.buffer.replicas}
        return [shape, manifest("autoscaling.x-k8s.io/v1beta1", "CapacityBuffer", meta, spec)]
    spec = {
        "replicas": nodes.buffer.replicas,
        "selector": {"matchLabels": standard_labels(BUFFER)},
        "template": template,
    }
    return [manifest("apps/v1", "Deployment", meta, spec)]


def buffer_labels() -> dict[str, str]:
    """Outside the mesh: a sidecar would wait for a control plane to hold a place."""
    return standard_labels(BUFFER) | {"sidecar.istio.io/inject": "false"}


def pause_pod(args: AutoscalingPolicyArgs, kind: BufferKind) -> Manifest:
    """A pod of the largest replica's size that leaves at once; it fulfills the restricted Pod Security Standard."""
    holds = {BufferKind.PAUSE: {"priorityClassName": BUFFER_PRIORITY_CLASS}}.get(kind, {})
    return {
        **holds,
        "terminationGracePeriodSeconds": 0,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65535, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [pause_container({"cpu": args.largest_cpu, "memory": args.largest_memory})],
    }


def pause_container(size: dict[str, str]) -> Manifest:
    """A container that waits; its limits equal its requests, so it is never the reason of a shortage."""
    return {
        "name": "pause",
        "image": PAUSE_IMAGE,
        "resources": {"requests": size, "limits": dict(size)},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


PULL_SIZE: Final = {"cpu": "10m", "memory": "16Mi"}
"""What the waiting container of a node gets: it does nothing."""


def pre_pull(args: AutoscalingPolicyArgs, nodes: NodeSettings) -> list[Manifest]:
    """A pod on every node that mounts each image: mounting pulls it, and as long as it is mounted it is not removed.

    No image is started, so none needs a command that ends. Source: Kubernetes, "Image volumes".
    """
    if not nodes.pre_pull or not args.images:
        return []
    labels = standard_labels(PRE_PULL) | {"sidecar.istio.io/inject": "false"}
    pod = {
        **pause_pod(args, BufferKind.NONE),
        "tolerations": [{"key": SPOT_TAINT, "operator": "Exists", "effect": "NoSchedule"}],
        "containers": [{**pause_container(PULL_SIZE), "volumeMounts": mounts(len(args.images))}],
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
    return [manifest("apps/v1", "DaemonSet", metadata(PRE_PULL, args.namespace), spec)]


def mounts(count: int) -> list[Manifest]:
    """Every image where nothing looks at it; a volume that no container mounts might not be pulled."""
    return [{"name": f"image-{number}", "mountPath": f"/images/{number}", "readOnly": True} for number in range(count)]
