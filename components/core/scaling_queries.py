"""PromQL of how far autoscalers may go and what they want. In: patterns. Out: PromQL text.

Not here: load and replicas (`queries.py`), the forecast as it is recorded (`forecast_queries.py`).
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core import forecast_queries as forecast
from meshed_mcp.components.core import queries

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
    pods = queries.pods_of(server)
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
