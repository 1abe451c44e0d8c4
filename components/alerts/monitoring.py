"""Alerts on monitoring itself: Grafana, volumes, remote write, OpenTelemetry Collectors, Jaeger; and on cost.

Alerts on remote write and collectors are inactive where a stack has none.
"""

from typing import Final

from meshed_mcp.components.alerts.record import (
    MAX_COUNT,
    MAX_RATIO,
    NAMESPACE,
    NUMBER,
    PERCENT,
    RATIO,
    SPANS,
    THRESHOLD,
    Alert,
    Component,
    Threshold,
)
from meshed_mcp.components.promql import alerts as alert_queries
from meshed_mcp.components.promql import capacity, cost, tracing

GRAFANA_JOB: Final = "grafana"
JAEGER: Final = "jaeger"
"""Scrape job and label `service` of Grafana and Jaeger; `observability` names them so, which a test checks."""

SERVICE: Final = "{{ $labels.service }} in {{ $labels.namespace }}"

MONITORING: Final = (
    Alert(
        name="GrafanaDown",
        expression=lambda scope: alert_queries.target_down(scope.namespace, GRAFANA_JOB),
        for_seconds=300,
        component=Component.MONITORING,
        summary=f"Grafana in {NAMESPACE} is down",
        description="Dashboards are unavailable. Alerts are not affected: they need only Prometheus and Alertmanager.",
    ),
    Alert(
        name="MCPPVCWillFill",
        expression=lambda scope: capacity.volume_will_fill(scope.namespace, scope.threshold),
        for_seconds=3600,
        component=Component.CAPACITY,
        summary=f"{{{{ $labels.persistentvolumeclaim }}}} in {NAMESPACE} has {PERCENT} free space and fills up within "
        f"{capacity.DAYS_AHEAD} days",
        description="Prometheus stops storing samples and Jaeger drops spans when it is full.",
        threshold=Threshold(default=0.5, unit=RATIO, minimum=0.01, maximum=1),
    ),
    Alert(
        name="PrometheusRemoteWriteBehind",
        expression=lambda scope: tracing.remote_write_delay(scope.threshold),
        for_seconds=900,
        component=Component.MONITORING,
        summary=f"{{{{ $labels.pod }}}} is {NUMBER} s behind in remote write to {{{{ $labels.url }}}}",
        description="The remote endpoint has old data. Samples that are not sent within two hours are lost there.",
        threshold=Threshold(default=120, unit="seconds", minimum=10, maximum=86_400),
    ),
    Alert(
        name="OTelCollectorQueueFull",
        expression=lambda scope: tracing.queue_usage_ratio(scope.threshold),
        for_seconds=300,
        component=Component.MONITORING,
        summary=f"The queue of {{{{ $labels.pod }}}} to {{{{ $labels.exporter }}}} is {PERCENT} full",
        description="The collector refuses spans when its queue is full, and the senders drop them.",
        threshold=Threshold(default=0.8, unit=RATIO, minimum=0.1, maximum=MAX_RATIO),
    ),
    Alert(
        name="OTelCollectorRefusing",
        expression=lambda scope: tracing.spans_refused(scope.threshold),
        for_seconds=600,
        component=Component.MONITORING,
        summary=f"{SERVICE} refused {NUMBER} spans in 10 minutes",
        description="Its memory limit is near or its queue is full. Requests are not affected; traces are incomplete.",
        threshold=SPANS,
    ),
    Alert(
        name="OTelSpansUndelivered",
        expression=lambda scope: tracing.spans_not_exported(JAEGER, scope.threshold),
        for_seconds=600,
        component=Component.MONITORING,
        summary=f"{SERVICE} failed to export {NUMBER} spans in 10 minutes",
        description="The next collector or Jaeger does not accept them. Traces are incomplete.",
        threshold=SPANS,
    ),
    Alert(
        name="JaegerStorageErrors",
        expression=lambda scope: tracing.storage_errors(JAEGER, scope.threshold),
        for_seconds=600,
        component=Component.MONITORING,
        summary=f"The storage of {SERVICE} failed {NUMBER} times in 10 minutes: {{{{ $labels.operation }}}}",
        description="Traces of this time are incomplete or cannot be queried.",
        threshold=Threshold(default=0, unit="errors in 10 minutes", minimum=0, maximum=MAX_COUNT),
    ),
    Alert(
        name="TailSamplingDroppedTooEarly",
        expression=lambda scope: tracing.traces_dropped_too_early(scope.threshold),
        for_seconds=600,
        component=Component.MONITORING,
        summary=f"{SERVICE} dropped {NUMBER} traces in 10 minutes before the sampling decision",
        description="More traces are waiting for a decision than it can hold in memory: traces of errors and slow "
        "requests are dropped as well.",
        threshold=Threshold(default=0, unit="traces in 10 minutes", minimum=0, maximum=MAX_COUNT),
    ),
)
"""The default of PrometheusRemoteWriteBehind is that of prometheus-mixin."""

COST: Final = Alert(
    name="MCPCostBudget",
    expression=lambda scope: cost.monthly_cost_above(scope.threshold),
    for_seconds=3600,
    component=Component.COST,
    summary=f"The pods of all servers cost {NUMBER} a month, more than the budget of {THRESHOLD}",
    description="Calculated from the prices and replicas of the last day, in OpenCost's currency. The budget does not "
    "limit scaling.",
    threshold=Threshold(
        default=0, unit="", minimum=0, maximum=MAX_COUNT, stack_key="observability.monthly_cost_budget"
    ),
)
"""Rendered only where a stack sets the budget."""
