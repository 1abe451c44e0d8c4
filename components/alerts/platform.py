"""Alerts on the mesh (istiod, mutual TLS, connections), on monitoring itself (Grafana, volumes, spans) and on cost.

Alerts on remote write and collectors are inactive where a stack has none.
"""

from functools import partial
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
    Severity,
    Threshold,
)
from meshed_mcp.components.promql import alerts as alert_queries
from meshed_mcp.components.promql import capacity, cost, mesh, tracing
from meshed_mcp.components.promql import control_plane as istiod

GRAFANA_JOB: Final = "grafana"
JAEGER: Final = "jaeger"
"""Scrape job and label `service` of Grafana and Jaeger; `observability` names them so, which a test checks."""

SERVICE: Final = "{{ $labels.service }} in {{ $labels.namespace }}"

REVISION: Final = f"{{{{ $labels.{istiod.REVISION} }}}}"
WORKLOAD: Final = "{{ $labels.destination_workload }} in {{ $labels.destination_workload_namespace }}"

mesh_alert: Final = partial(Alert, component=Component.MESH)
MESH: Final = (
    mesh_alert(
        name="MeshControlPlaneDown",
        expression=lambda _: istiod.control_plane_down(),
        for_seconds=300,
        severity=Severity.CRITICAL,
        summary=f"istiod (revision {REVISION}) in {{{{ $labels.namespace }}}} is down: 0 of {NUMBER} replicas "
        "are available",
        description="Proxies keep their current configuration. New pods are rejected, configuration changes do not "
        "take effect, and certificates are not renewed: requests fail within a day.",
    ),
    mesh_alert(
        name="MeshConfigRejected",
        expression=lambda _: istiod.config_rejected(),
        for_seconds=300,
        summary=f"Updates of istiod in {{{{ $labels.namespace }}}} that proxies rejected in 10 minutes: {NUMBER} "
        "({{ $labels.type }})",
        description="They keep their previous configuration: a changed policy or allow-list is not in effect.",
    ),
    mesh_alert(
        name="MeshRootCertificateExpires",
        expression=lambda scope: istiod.root_certificate_days(scope.threshold),
        for_seconds=3600,
        summary=f"The root certificate of the mesh in {{{{ $labels.namespace }}}} expires in {NUMBER} days",
        description="All requests between services fail after it expires.",
        threshold=Threshold(default=30, unit="days", minimum=1, maximum=3650),
    ),
    mesh_alert(
        name="MCPConnectionResets",
        expression=lambda scope: mesh.connection_reset_ratio(scope.threshold),
        for_seconds=300,
        summary=f"{PERCENT} of the requests to {WORKLOAD} lost their connection",
        description=f"More than {THRESHOLD} of the requests fail with a reset or refused connection, which a client "
        "cannot always retry safely.",
        threshold=Threshold(default=0.01, unit=RATIO, minimum=0, maximum=MAX_RATIO),
    ),
    mesh_alert(
        name="MeshMTLSDowngrade",
        expression=lambda _: mesh.plaintext_requests(),
        for_seconds=300,
        severity=Severity.CRITICAL,
        summary=f"{WORKLOAD} received {NUMBER} requests without mutual TLS in 10 minutes",
        description="Their callers have no mesh identity; a PeerAuthentication in STRICT mode would reject them.",
    ),
)
"""The alerts on istiod are inactive where it is not scraped."""

monitoring_alert: Final = partial(Alert, component=Component.MONITORING)
MONITORING: Final = (
    monitoring_alert(
        name="GrafanaDown",
        expression=lambda scope: alert_queries.target_down(scope.namespace, GRAFANA_JOB),
        for_seconds=300,
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
    monitoring_alert(
        name="PrometheusRemoteWriteBehind",
        expression=lambda scope: tracing.remote_write_delay(scope.threshold),
        for_seconds=900,
        summary=f"{{{{ $labels.pod }}}} is {NUMBER} s behind in remote write to {{{{ $labels.url }}}}",
        description="The remote endpoint has old data. Samples that are not sent within two hours are lost there.",
        threshold=Threshold(default=120, unit="seconds", minimum=10, maximum=86_400),
    ),
    monitoring_alert(
        name="OTelCollectorQueueFull",
        expression=lambda scope: tracing.queue_usage_ratio(scope.threshold),
        for_seconds=300,
        summary=f"The queue of {{{{ $labels.pod }}}} to {{{{ $labels.exporter }}}} is {PERCENT} full",
        description="The collector refuses spans when its queue is full, and the senders drop them.",
        threshold=Threshold(default=0.8, unit=RATIO, minimum=0.1, maximum=MAX_RATIO),
    ),
    monitoring_alert(
        name="OTelCollectorRefusing",
        expression=lambda scope: tracing.increase_above(tracing.REFUSED, scope.threshold),
        for_seconds=600,
        summary=f"{SERVICE} refused {NUMBER} spans in 10 minutes",
        description="Its memory limit is near or its queue is full. Requests are not affected; traces are incomplete.",
        threshold=SPANS,
    ),
    monitoring_alert(
        name="OTelSpansUndelivered",
        expression=lambda scope: tracing.spans_not_exported(JAEGER, scope.threshold),
        for_seconds=600,
        summary=f"{SERVICE} failed to export {NUMBER} spans in 10 minutes",
        description="The next collector or Jaeger does not accept them. Traces are incomplete.",
        threshold=SPANS,
    ),
    monitoring_alert(
        name="JaegerStorageErrors",
        expression=lambda scope: tracing.storage_errors(JAEGER, scope.threshold),
        for_seconds=600,
        summary=f"The storage of {SERVICE} failed {NUMBER} times in 10 minutes: {{{{ $labels.operation }}}}",
        description="Traces of this time are incomplete or cannot be queried.",
        threshold=Threshold(default=0, unit="errors in 10 minutes", minimum=0, maximum=MAX_COUNT),
    ),
    monitoring_alert(
        name="TailSamplingDroppedTooEarly",
        expression=lambda scope: tracing.increase_above(tracing.DROPPED_TOO_EARLY, scope.threshold),
        for_seconds=600,
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
