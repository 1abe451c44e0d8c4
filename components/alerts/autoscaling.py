"""Alerts on autoscaling: KEDA, the fast scaler, the forecast, the monthly budget of a service."""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.alerts.record import (
    MAX_COUNT,
    NAME,
    NAMESPACE,
    NUMBER,
    PERCENT,
    RATIO,
    THRESHOLD,
    Alert,
    Component,
    Severity,
    Threshold,
)
from meshed_mcp.components.promql import autoscaling, fast_scaler

KEDA_OPERATOR: Final = Alert(
    name="KEDAOperatorMissing",
    expression=lambda scope: autoscaling.operator_unavailable(scope.namespace, scope.name),
    for_seconds=120,
    severity=Severity.CRITICAL,
    component=Component.AUTOSCALING,
    summary=f"No replica of {NAME} in {NAMESPACE} is available, so autoscaling is delayed in the whole cluster",
    description="Each metric query waits up to 60 s for the KEDA operator. The HPA controller has 5 workers, so HPAs "
    "without KEDA wait as well.",
)

FAST_SCALER: Final = Alert(
    name="MCPFastScalerDown",
    expression=lambda scope: fast_scaler.fast_scaler_down(scope.namespace, scope.threshold),
    for_seconds=120,
    component=Component.AUTOSCALING,
    summary=f"No fast scaler is working in {NAMESPACE}",
    description="The HPA still scales services out at its next sync. A raised minimum replica count stays raised "
    "until a fast scaler runs again.",
    threshold=Threshold(default=60, unit="seconds", minimum=10, maximum=3600),
)
"""The default is a dozen rounds without a response, longer than a restart of Prometheus takes."""

FORECAST: Final = Alert(
    name="MCPForecastMisses",
    expression=lambda scope: autoscaling.forecast_error_ratio(scope.namespace, scope.servers, scope.threshold),
    for_seconds=21_600,
    severity=Severity.INFO,
    component=Component.AUTOSCALING,
    summary=f"The load forecast of {{{{ $labels.{contract.LABEL_SERVER} }}}} has an error of {PERCENT}, "
    f"above {THRESHOLD}",
    description="The forecast adds no replicas until its error over a day is below the limit. If the load has no "
    "daily or weekly pattern, set `prediction: forecast-only` for the service.",
    threshold=Threshold(default=0.4, unit=RATIO, minimum=0.01, maximum=2, stack_key="forecast.trusted_error_percent"),
)
"""The default is that of `ForecastSettings`."""

SERVICE_BUDGET: Final = Alert(
    name="MCPServiceBudget",
    expression=lambda scope: autoscaling.monthly_cost(
        scope.namespace, scope.servers[0], scope.replica_month_cost, scope.threshold
    ),
    for_seconds=3600,
    component=Component.AUTOSCALING,
    summary=f"{NAME} costs {NUMBER} a month, more than its budget of {THRESHOLD}",
    description="Calculated from the mean replica count of the last day and the price of a replica. The budget lowers "
    "`max_replicas` when the stack is deployed; this alert sees replicas beyond that.",
    threshold=Threshold(
        default=0, unit="", minimum=0, maximum=MAX_COUNT, stack_key="services.<service>.scaling.monthly_budget"
    ),
)
"""Rendered for each service that has a budget and a price."""

AUTOSCALING: Final = (KEDA_OPERATOR, FAST_SCALER, FORECAST, SERVICE_BUDGET)
