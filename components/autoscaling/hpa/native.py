"""HorizontalPodAutoscalers without KEDA: they scale on CPU and memory of the server's container alone."""

from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs, ScalingTarget
from meshed_mcp.components.autoscaling.scaling_args import ScaleDown, ScaleUp
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.core.quantity import memory_bytes


def native_hpa(name: str, target: ScalingTarget, args: AutoscalingPolicyArgs) -> Manifest:
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
    """CPU as % of the request and memory in bytes, of the server's container without the sidecar.

    Source: Kubernetes, "Container resource metrics".
    """
    wanted: dict[str, Manifest] = {}
    if target.cpu_percent is not None:
        wanted["cpu"] = {"type": "Utilization", "averageUtilization": target.cpu_percent}
    if target.memory_percent is not None:
        wanted["memory"] = {"type": "AverageValue", "averageValue": memory_value(target)}
    sources = [{"name": name, "container": target.container, "target": value} for name, value in wanted.items()]
    return [{"type": "ContainerResource", "containerResource": source} for source in sources]


def memory_value(target: ScalingTarget) -> str:
    """Target memory of one replica, bytes: a share of the limit, because requests are far below the usage."""
    return str(memory_bytes(target.memory_limit) * (target.memory_percent or 0) // 100)


def behavior(up: ScaleUp, down: ScaleDown) -> Manifest:
    """The field `behavior` of an HPA, of KEDA's too. Source: Kubernetes, HorizontalPodAutoscalerBehavior."""
    return {
        "scaleUp": {
            "stabilizationWindowSeconds": up.stabilization_seconds,
            "tolerance": f"{up.tolerance_percent / 100:.2f}",
            "policies": [{"type": "Percent", "value": up.percent, "periodSeconds": up.period_seconds}],
        },
        "scaleDown": scale_down(down),
    }


def scale_down(down: ScaleDown) -> Manifest:
    """One policy per bound; of two, the slower applies (`Min`; Kubernetes' default is `Max`)."""
    values = {"Percent": down.percent, "Pods": down.pods}
    bounds = [(kind, value) for kind, value in values.items() if value is not None]
    policies = [{"type": kind, "value": value, "periodSeconds": down.period_seconds} for kind, value in bounds]
    select = {"selectPolicy": "Min"} if len(policies) > 1 else {}
    own = ScaleDown.model_fields["tolerance_percent"].default != down.tolerance_percent
    tolerance = {"tolerance": f"{down.tolerance_percent / 100:.2f}"} if own else {}  # otherwise the cluster's default
    return {"stabilizationWindowSeconds": down.stabilization_seconds, **tolerance, **select, "policies": policies}
