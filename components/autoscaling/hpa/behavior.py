"""How fast a HorizontalPodAutoscaler adds and removes replicas, KEDA's and a plain one alike. Settings in, data out."""

from meshed_mcp.components.autoscaling.scaling_args import ScaleDown, ScaleUp
from meshed_mcp.components.core.manifest import Manifest


def behavior(up: ScaleUp, down: ScaleDown) -> Manifest:
    """The field `behavior` of the HPA. Source: Kubernetes, HorizontalPodAutoscalerBehavior."""
    return {
        "scaleUp": {
            "stabilizationWindowSeconds": up.stabilization_seconds,
            "tolerance": f"{up.tolerance_percent / 100:.2f}",
            "policies": [{"type": "Percent", "value": up.percent, "periodSeconds": up.period_seconds}],
        },
        "scaleDown": scale_down(down),
    }


def scale_down(down: ScaleDown) -> Manifest:
    """One policy per bound; of two, the slower holds. Kubernetes' default, `Max`, would take the faster."""
    values = {"Percent": down.percent, "Pods": down.pods}
    policies = [
        {"type": kind, "value": value, "periodSeconds": down.period_seconds}
        for kind, value in values.items()
        if value is not None
    ]
    select = {"selectPolicy": "Min"} if len(policies) > 1 else {}
    own = ScaleDown.model_fields["tolerance_percent"].default != down.tolerance_percent
    tolerance = {"tolerance": f"{down.tolerance_percent / 100:.2f}"} if own else {}  # else the cluster's own
    return {"stabilizationWindowSeconds": down.stabilization_seconds, **tolerance, **select, "policies": policies}
