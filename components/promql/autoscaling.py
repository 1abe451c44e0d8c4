"""PromQL of how far autoscalers may go and what they want. In: patterns. Out: PromQL text.

Not here: load and replicas (`selectors.py`), the forecast as it is recorded (`forecast.py`).
"""

from collections.abc import Sequence
from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.promql import forecast, selectors
from meshed_mcp.components.promql.selectors import PromQL

METRICS: Final = {
    "desired": "kube_horizontalpodautoscaler_status_desired_replicas",
    "max": "kube_horizontalpodautoscaler_spec_max_replicas",
    "min": "kube_horizontalpodautoscaler_spec_min_replicas",
}
"""Source: kube-state-metrics, "HorizontalPodAutoscaler Metrics"."""


RECOMMENDED: Final = {"cpu": "kube_vpa_recommended_cpu_cores", "memory": "kube_vpa_recommended_memory_bytes"}
"""Resource -> request that a VerticalPodAutoscaler recommends. Names of ours, made by kube-state-metrics."""


def recommended(resource: str, namespace: str, server: str) -> str:
    """Request of a server's container that its VPA recommends, cores or bytes, per VPA; both arguments are patterns."""
    names = f"{server}(-{contract.CANARY})?"
    select = f'namespace=~"{namespace}",verticalpodautoscaler=~"{names}",container="{contract.CONTAINER_NAME}"'
    return f"max by (verticalpodautoscaler) ({RECOMMENDED[resource]}{{{select}}})"


def requested(resource: str, namespace: str, server: str) -> str:
    """Largest request of the servers' containers that run, cores or bytes; both arguments are patterns."""
    pods = selectors.pods_of(server)
    select = f'namespace=~"{namespace}",pod=~"{pods}",container="{contract.CONTAINER_NAME}",resource="{resource}"'
    return f"max by (container) (kube_pod_container_resource_requests{{{select}}})"


def autoscaler(which: str, namespace: str, server: str) -> str:
    """Replicas that an autoscaler wants (`desired`), or its bound (`max`, `min`), per autoscaler.

    Source of the prefix: KEDA, name of the HPA of a ScaledObject.
    """
    names = f"(keda-hpa-)?{server}(-{contract.CANARY})?"
    select = f'namespace=~"{namespace}",horizontalpodautoscaler=~"{names}"'
    return f"sum by (horizontalpodautoscaler) ({METRICS[which]}{{{select}}})"


def forecast_series(name: str, select: str) -> str:
    """A recorded series of the forecast, per server; absent where nothing is forecast."""
    return f"max by ({contract.LABEL_SERVER}) ({name}{{{select}}})"


def trusted(select: str) -> str:
    """1 while a server's forecast is trusted, 0 while it is only recorded."""
    known = forecast_series(forecast.FORECAST, select)
    return f"({forecast_series(forecast.TRUSTED, select)} >= bool 0) or 0 * {known}"


def at_max_replicas() -> PromQL:
    """Desired replicas of an HPA at its `maxReplicas`; an HPA whose bounds are equal is excluded. For an alert."""
    desired, most, least = (METRICS[which] for which in ("desired", "max", "min"))
    by = "on (namespace, horizontalpodautoscaler)"
    return PromQL(f"({desired} >= {by} {most}) and {by} ({most} > {by} {least})")


def operator_unavailable(namespace: str, deployment: str) -> PromQL:
    """0 or absent replicas of the KEDA operator; for an alert."""
    available = f'kube_deployment_status_replicas_available{{namespace="{namespace}",deployment="{deployment}"}}'
    return PromQL(f"{available} == 0 or absent({available})")


def monthly_cost(namespace: str, deployment: str, replica_month_cost: float, threshold: float) -> PromQL:
    """Monthly cost at the mean replica count of the last day and `replica_month_cost` each; for an alert."""
    desired = selectors.wanted_replicas(namespace, deployment)
    return PromQL(f"avg_over_time({desired}[1d:5m]) * {replica_month_cost:g} > {threshold:g}")


def forecast_error_ratio(namespace: str, servers: Sequence[str], threshold: float) -> PromQL:
    """Mean absolute error of the forecasts of `servers` over a day, as a ratio of the mean load; for an alert."""
    select = f'namespace="{namespace}",{contract.LABEL_SERVER}=~"{"|".join(servers)}"'
    return PromQL(f"{forecast.WAPE}{{{select}}} >= {threshold:g}")
