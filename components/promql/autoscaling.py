"""PromQL of autoscaling: replicas and bounds of HPAs, recommendations of VPAs, forecasts, pod deletion cost."""

from collections.abc import Sequence
from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.promql import forecast, selectors
from meshed_mcp.components.promql.selectors import PromQL

HPA_METRICS: Final = {
    "desired": "kube_horizontalpodautoscaler_status_desired_replicas",
    "max": "kube_horizontalpodautoscaler_spec_max_replicas",
    "min": "kube_horizontalpodautoscaler_spec_min_replicas",
}
"""Source: kube-state-metrics, "HorizontalPodAutoscaler Metrics"."""

VPA_METRICS: Final = {"cpu": "kube_vpa_recommended_cpu_cores", "memory": "kube_vpa_recommended_memory_bytes"}
"""Resource -> metric of the request that a VerticalPodAutoscaler recommends (`prometheus/values.py`)."""

POD_DELETION_COST: Final = "mcp:pod:deletion_cost"
"""Recorded cost of removing a pod, a whole number, per pod; 0 = no session or stream ends with it."""


def vpa_recommendation(resource: str, namespace: str, server: str) -> str:
    """Request of a server's container that its VPA recommends, cores or bytes, per VPA; both arguments are patterns."""
    names = f"{server}(-{contract.CANARY})?"
    select = f'namespace=~"{namespace}",verticalpodautoscaler=~"{names}",container="{contract.CONTAINER_NAME}"'
    return f"max by (verticalpodautoscaler) ({VPA_METRICS[resource]}{{{select}}})"


def container_request(resource: str, namespace: str, server: str) -> str:
    """Largest request of the servers' running containers, cores or bytes; both arguments are patterns."""
    pods = selectors.pods_of(server)
    select = f'namespace=~"{namespace}",pod=~"{pods}",container="{contract.CONTAINER_NAME}",resource="{resource}"'
    return f"max by (container) (kube_pod_container_resource_requests{{{select}}})"


def hpa_replicas(which: str, namespace: str, server: str) -> str:
    """Replicas that an HPA desires (`desired`), or its bound (`max`, `min`), per HPA.

    Source of the prefix: KEDA, name of the HPA of a ScaledObject.
    """
    names = f"(keda-hpa-)?{server}(-{contract.CANARY})?"
    select = f'namespace=~"{namespace}",horizontalpodautoscaler=~"{names}"'
    return f"sum by (horizontalpodautoscaler) ({HPA_METRICS[which]}{{{select}}})"


def forecast_series(name: str, select: str) -> str:
    """A recorded series of the forecast, per server; absent where nothing is forecast."""
    return f"max by ({contract.LABEL_SERVER}) ({name}{{{select}}})"


def forecast_trusted(select: str) -> str:
    """1 while a server's forecast is trusted, 0 while it is only recorded."""
    known = forecast_series(forecast.FORECAST, select)
    return f"({forecast_series(forecast.TRUSTED, select)} >= bool 0) or 0 * {known}"


def at_max_replicas() -> PromQL:
    """Desired replicas of an HPA at its `maxReplicas`; an HPA whose bounds are equal is excluded. For an alert."""
    desired, maximum, minimum = HPA_METRICS.values()
    by = "on (namespace, horizontalpodautoscaler)"
    return PromQL(f"({desired} >= {by} {maximum}) and {by} ({maximum} > {by} {minimum})")


def operator_unavailable(namespace: str, deployment: str) -> PromQL:
    """0 or absent replicas of the KEDA operator; for an alert."""
    available = f'kube_deployment_status_replicas_available{{namespace="{namespace}",deployment="{deployment}"}}'
    return PromQL(f"{available} == 0 or absent({available})")


def monthly_cost(namespace: str, deployment: str, replica_month_cost: float, threshold: float) -> PromQL:
    """Monthly cost at the mean replica count of the last day and `replica_month_cost` each; for an alert."""
    desired = selectors.replicas("desired", namespace, deployment)
    return PromQL(f"avg_over_time({desired}[1d:5m]) * {replica_month_cost:g} > {threshold:g}")


def forecast_error_ratio(namespace: str, servers: Sequence[str], threshold: float) -> PromQL:
    """Mean absolute error of the forecasts of `servers` over a day, as a ratio of the mean load; for an alert."""
    select = f'namespace="{namespace}",{contract.LABEL_SERVER}=~"{"|".join(servers)}"'
    return PromQL(f"{forecast.WAPE}{{{select}}} >= {threshold:g}")


def pod_deletion_cost(select: str, step: int) -> str:
    """Open sessions and listen streams of each pod, in steps of `step`, rounded up: one costs more than none.

    A server-sent event stream belongs to a session, which counts already.
    """
    names = f"{contract.METRIC_ACTIVE_SESSIONS}|{contract.METRIC_OPEN_STREAMS}"
    held = f'{{__name__=~"{names}",kind!="sse",{select}}}'
    return f"ceil(sum by (namespace, {contract.LABEL_POD}) ({held}) / {step})"


def pod_deletion_costs(namespace: str) -> str:
    """Recorded deletion cost per pod of a namespace, as the agent reads it; absent where none is known."""
    return f'max by ({contract.LABEL_POD}) ({POD_DELETION_COST}{{namespace="{namespace}"}})'
