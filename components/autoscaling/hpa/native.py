"""Plain HorizontalPodAutoscalers, where there is no KEDA: CPU and memory of the server's container.

Pure functions: settings in, objects out. Calls in work do not count here: they reach the HPA through KEDA alone.
"""

from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs, ScalingTarget
from meshed_mcp.components.autoscaling.hpa.behavior import behavior
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.core.quantity import memory_bytes


def autoscaler(name: str, target: ScalingTarget, args: AutoscalingPolicyArgs) -> Manifest:
    """The HorizontalPodAutoscaler of one target."""
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target.deployment or name},
        "minReplicas": target.min_replicas,
        "maxReplicas": target.max_replicas,
        "behavior": behavior(target.scale_up, target.scale_down),
        "metrics": container_metrics(target),
    }
    return manifest("autoscaling/v2", "HorizontalPodAutoscaler", metadata(name, args.namespace), spec)


def container_metrics(target: ScalingTarget) -> list[Manifest]:
    """CPU as % of the request and memory in bytes, of the server's own container; of several, the largest answer wins.

    A metric of the whole pod would count the sidecar. Source: Kubernetes, "Container resource metrics".
    """
    wanted: dict[str, Manifest] = {}
    if target.cpu_percent is not None:
        wanted["cpu"] = {"type": "Utilization", "averageUtilization": target.cpu_percent}
    if target.memory_percent is not None:
        wanted["memory"] = {"type": "AverageValue", "averageValue": memory_value(target)}
    return [
        {
            "type": "ContainerResource",
            "containerResource": {"name": resource, "container": target.container, "target": value},
        }
        for resource, value in wanted.items()
    ]


def memory_value(target: ScalingTarget) -> str:
    """Memory that one replica should use, bytes: a share of the limit, at which the container is killed.

    A share of the request says nothing: requests are far below what a server may use.
    """
    return str(memory_bytes(target.memory_limit) * (target.memory_percent or 0) // 100)
