"""Configuration of kube-state-metrics that exports recommendations of VerticalPodAutoscalers.

It has no effect in a cluster without VPA. Source: kube-state-metrics, "Custom Resource State Metrics"; chart
`kube-state-metrics`, `customResourceState` and `rbac.extraRules`.
"""

from typing import Final

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.promql.autoscaling import VPA_METRICS

KIND: Final = {"group": "autoscaling.k8s.io", "version": "v1", "kind": "VerticalPodAutoscaler"}
PREFIX: Final = "kube_vpa"
READ: Final = ["list", "watch"]


def kube_state_metrics_values() -> Manifest:
    """Values of the chart kube-state-metrics."""
    rules = [
        {"apiGroups": ["autoscaling.k8s.io"], "resources": ["verticalpodautoscalers"], "verbs": READ},
        {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "verbs": READ},
    ]
    metrics = [
        {
            "name": name.removeprefix(f"{PREFIX}_"),
            "help": f"Request of {resource} that the VerticalPodAutoscaler recommends.",
            "each": {
                "type": "Gauge",
                "gauge": {
                    "path": ["status", "recommendation", "containerRecommendations"],
                    "labelsFromPath": {"container": ["containerName"]},
                    "valueFrom": ["target", resource],
                },
            },
        }
        for resource, name in VPA_METRICS.items()
    ]
    labels = {"namespace": ["metadata", "namespace"], "verticalpodautoscaler": ["metadata", "name"]}
    read = {"groupVersionKind": KIND, "metricNamePrefix": PREFIX, "labelsFromPath": labels, "metrics": metrics}
    config = {"kind": "CustomResourceStateMetrics", "spec": {"resources": [read]}}
    return {"rbac": {"extraRules": rules}, "customResourceState": {"enabled": True, "config": config}}
