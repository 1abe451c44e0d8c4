"""Every alert of the product, by name."""

from typing import Final

from meshed_mcp.components.alerts.autoscaling import AUTOSCALING
from meshed_mcp.components.alerts.burn_rate import BURN_RATE_ALERTS
from meshed_mcp.components.alerts.platform import COST, MESH, MONITORING
from meshed_mcp.components.alerts.record import Alert
from meshed_mcp.components.alerts.servers import PODS, REGISTRY, SERVERS

OBSERVABILITY_ALERTS: Final = (*SERVERS, *REGISTRY, *BURN_RATE_ALERTS, *PODS, *MESH, *MONITORING)
"""Alerts that ObservabilityStack always renders."""

CATALOG: Final[dict[str, Alert]] = {alert.name: alert for alert in (*OBSERVABILITY_ALERTS, COST, *AUTOSCALING)}
