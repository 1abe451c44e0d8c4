"""Recommendations of VerticalPodAutoscalers as metrics: what kube-state-metrics is told to read. Values out.

It waits for the kind to appear, so a cluster without VPA costs nothing. Source: kube-state-metrics, "Custom Resource
State Metrics"; chart `kube-state-metrics`, `customResourceState` and `rbac.extraRules`. Not here: the panels
(`dashboards/autoscaling.py`), the objects (components/autoscaling).
"""

from typing import Any, Final

from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.promql.autoscaling import RECOMMENDED

KIND: Final = {"group": "autoscaling.k8s.io", "version": "v1", "kind": "VerticalPodAutoscaler"}
PREFIX: Final = "kube_vpa"
READ: Final = ["list", "watch"]


def kube_state_metrics_values() -> Manifest:
    """Values of the part of the chart that shows the cluster's objects."""
    rules = [
        {"apiGroups": ["autoscaling.k8s.io"], "resources": ["verticalpodautoscalers"], "verbs": READ},
        {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "verbs": READ},
    ]
    metrics = [recommended(resource, name) for resource, name in RECOMMENDED.items()]
    labels = {"namespace": ["metadata", "namespace"], "verticalpodautoscaler": ["metadata", "name"]}
    read = {"groupVersionKind": KIND, "metricNamePrefix": PREFIX, "labelsFromPath": labels, "metrics": metrics}
    config = {"kind": "CustomResourceStateMetrics", "spec": {"resources": [read]}}
    return {"rbac": {"extraRules": rules}, "customResourceState": {"enabled": True, "config": config}}


def recommended(resource: str, name: str) -> dict[str, Any]:
    """The recommended request of a resource, per container."""
    return {
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
