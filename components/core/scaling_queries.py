"""PromQL of how far autoscalers may go and what they want. In: patterns. Out: PromQL text.

Not here: load and replicas (`queries.py`), the forecast as it is recorded (`forecast_queries.py`).
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core import forecast_queries as forecast

METRICS: Final = {
    "desired": "kube_horizontalpodautoscaler_status_desired_replicas",
    "max": "kube_horizontalpodautoscaler_spec_max_replicas",
    "min": "kube_horizontalpodautoscaler_spec_min_replicas",
}
"""Source: kube-state-metrics, "HorizontalPodAutoscaler Metrics"."""


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
