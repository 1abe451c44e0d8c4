"""Alerts on MCP servers, their pods and the registry: availability, load, rejected requests, streams, resources."""

from functools import partial
from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.alerts.record import (
    MAX_COUNT,
    MAX_RATIO,
    NUMBER,
    PERCENT,
    RATIO,
    SERVER,
    SPANS,
    THRESHOLD,
    Alert,
    Component,
    Severity,
    Threshold,
)
from meshed_mcp.components.promql import alerts as promql
from meshed_mcp.components.promql import autoscaling, sli

server_alert: Final = partial(Alert, component=Component.SERVER)
SERVERS: Final = (
    server_alert(
        name="MCPServerDown",
        expression=lambda _: promql.no_replicas_up(sli.NOT_REGISTRY),
        for_seconds=60,
        severity=Severity.CRITICAL,
        summary=f"{SERVER} is down: 0 of {NUMBER} replicas are up",
        description="Prometheus cannot scrape the management port of any replica; of a server without the runtime, no "
        "replica is ready. Clients get 503 from their sidecar.",
    ),
    server_alert(
        name="MCPAgentDown",
        expression=lambda _: promql.no_ready_replicas(),
        for_seconds=300,
        severity=Severity.CRITICAL,
        summary=f"{SERVER} has no ready replica: 0 of {NUMBER} running replicas are ready",
        description="The replicas are scraped but receive no requests: their readiness probe fails because they are "
        "starting or draining.",
    ),
    Alert(
        name="TargetMissing",
        expression=lambda scope: promql.ready_replicas_not_scraped(scope.threshold),
        for_seconds=600,
        component=Component.MONITORING,
        summary=f"Ready replicas of {SERVER} that Prometheus cannot scrape: {NUMBER}",
        description="Dashboards and SLOs do not include their requests. The autoscaler assumes that they are as busy "
        "as the other replicas.",
        threshold=Threshold(default=0, unit="replicas", minimum=0, maximum=1000),
    ),
    Alert(
        name="MCPSidecarMetricsMissing",
        expression=lambda _: promql.sidecar_metrics_missing(),
        for_seconds=600,
        component=Component.MONITORING,
        summary=f"The sidecars of {SERVER} do not export its requests",
        description="The autoscaler takes a server without the runtime for idle while its sidecars export nothing, and "
        "scales it to its minimum. Dashboards and SLOs do not include its requests.",
    ),
    server_alert(
        name="MCPServerQueueGrowing",
        expression=lambda scope: promql.queued_requests(scope.threshold),
        for_seconds=300,
        summary=f"Queued requests of {SERVER} for 10 minutes: at least {NUMBER}",
        description="All concurrency slots of all replicas are in use, and the autoscaler has not caught up.",
        threshold=Threshold(default=0, unit="queued requests", minimum=0, maximum=MAX_COUNT),
    ),
    server_alert(
        name="MCPServerSaturated",
        expression=lambda scope: promql.saturation(scope.threshold),
        for_seconds=300,
        summary=f"{SERVER} uses {PERCENT} of its concurrency slots",
        description=f"The usage has been above {THRESHOLD} for 10 minutes. Further requests are queued, then rejected "
        "with 503.",
        threshold=Threshold(default=0.9, unit=RATIO, minimum=0.1, maximum=MAX_RATIO),
    ),
    Alert(
        name="MCPServerScaledToMaximum",
        expression=lambda _: autoscaling.at_max_replicas(),
        for_seconds=900,
        component=Component.CAPACITY,
        summary="{{ $labels.horizontalpodautoscaler }} in {{ $labels.namespace }} "
        f"has scaled to its maximum of {NUMBER} replicas",
        description="The autoscaler cannot add replicas when the load rises further.",
    ),
    server_alert(
        name="MCPServerNoTraffic",
        expression=lambda scope: promql.no_traffic(sli.rate_name("server", "operations"), scope.threshold),
        for_seconds=600,
        severity=Severity.INFO,
        summary=f'{SERVER} receives no requests; a week ago it received {{{{ $value | printf "%.1f" }}}} per second',
        description="Clients may be down, misrouted or decommissioned.",
        threshold=Threshold(default=0.1, unit="requests per second a week ago", minimum=0, maximum=MAX_COUNT),
    ),
    server_alert(
        name="MCPRejectedRequests",
        expression=lambda scope: promql.rejected_ratio(scope.threshold),
        for_seconds=600,
        summary=f"{SERVER} rejects {PERCENT} of its requests: {{{{ $labels.reason }}}}",
        description="Rejected requests are not executed. They do not count as operations or errors of the SLO.",
        threshold=Threshold(default=0.05, unit=RATIO, minimum=0, maximum=MAX_RATIO),
    ),
    server_alert(
        name="MCPLabelOverflow",
        expression=lambda scope: promql.label_overflow(scope.threshold),
        severity=Severity.INFO,
        summary=f"{SERVER} replaced {NUMBER} unknown values of {{{{ $labels.label }}}} in an hour",
        description="Clients request names that do not exist, or the server has more tools than a metric can show.",
        threshold=Threshold(default=100, unit="values in an hour", minimum=0, maximum=MAX_COUNT),
    ),
    server_alert(
        name="MCPOpenStreamsLeak",
        expression=lambda scope: promql.open_streams_growth(scope.threshold),
        for_seconds=1800,
        severity=Severity.INFO,
        summary=f"{SERVER} has {NUMBER} open streams, more than {THRESHOLD}",
        description="Each stream uses memory and a connection until its client closes it or its pod ends.",
        threshold=Threshold(default=3, unit="times the streams of a day ago", minimum=1, maximum=1000),
    ),
    server_alert(
        name="MCPReplicasDisconnected",
        expression=lambda _: promql.replicas_where_zero(contract.METRIC_BUS_CONNECTED),
        for_seconds=300,
        summary=f"Replicas of {SERVER} without a connection to Redis: {NUMBER}",
        description="Only clients of the replica where a change happens are notified. Other clients keep old lists.",
    ),
    server_alert(
        name="MCPSessionStoreDisconnected",
        expression=lambda _: promql.replicas_where_zero(contract.METRIC_SESSION_STORE_CONNECTED),
        for_seconds=300,
        summary=f"Replicas of {SERVER} without a connection to the Redis of their sessions: {NUMBER}",
        description="Sessions continue in the memory of their replica. Those of a replica that ends now are lost.",
    ),
    Alert(
        name="MCPSpansLost",
        expression=lambda scope: promql.spans_dropped(scope.threshold),
        for_seconds=600,
        component=Component.MONITORING,
        summary=f"{SERVER} dropped {NUMBER} spans in 10 minutes",
        description="The collector refuses spans or is too slow. Requests are not affected; traces are incomplete.",
        threshold=SPANS,
    ),
)

CPU_THROTTLED: Final = Threshold(default=0.25, unit=RATIO, minimum=0.01, maximum=MAX_RATIO)
"""Source of the default: kubernetes-mixin, CPUThrottlingHigh."""

pod_alert: Final = partial(Alert, component=Component.POD)
PODS: Final = (
    pod_alert(
        name="MCPServerFlapping",
        expression=lambda scope: promql.container_restarts(scope.threshold),
        summary=f"{{{{ $labels.pod }}}} in {{{{ $labels.namespace }}}} restarted {NUMBER} times in 30 minutes",
        description="Each restart aborts in-flight requests, and the registry lease expires and is renewed.",
        threshold=Threshold(default=3, unit="restarts in 30 minutes", minimum=1, maximum=1000),
    ),
    pod_alert(
        name="MCPPodMemoryNearLimit",
        expression=lambda scope: promql.memory_usage_ratio(scope.threshold),
        for_seconds=600,
        summary=f"{{{{ $labels.pod }}}} ({SERVER}) uses {PERCENT} of its memory limit",
        description="The kernel kills the container at the limit, and its in-flight requests fail.",
        threshold=Threshold(default=0.9, unit=RATIO, minimum=0.1, maximum=MAX_RATIO),
    ),
    pod_alert(
        name="MCPPodCPUThrottled",
        expression=lambda scope: promql.cpu_throttled_ratio(scope.threshold),
        for_seconds=900,
        summary=f"{{{{ $labels.pod }}}} ({SERVER}) is throttled in {PERCENT} of its CPU periods",
        description="Its CPU limit makes responses slower although the node may have idle CPU.",
        threshold=CPU_THROTTLED,
    ),
)

registry_alert: Final = partial(Alert, component=Component.REGISTRY)
REGISTRY: Final = (
    registry_alert(
        name="MCPRegistryDown",
        expression=lambda _: promql.no_replicas_up(sli.IS_REGISTRY),
        for_seconds=60,
        severity=Severity.CRITICAL,
        summary=f"{SERVER} is down: 0 of {NUMBER} replicas are up",
        description="Servers cannot register and clients cannot look them up. Clients that know a server's address "
        "are not affected.",
    ),
    registry_alert(
        name="MCPRegistryDatabaseDown",
        expression=lambda _: promql.replicas_where_zero(contract.METRIC_REGISTRY_DATABASE_UP),
        for_seconds=120,
        severity=Severity.CRITICAL,
        summary=f"Replicas of {SERVER} without a connection to the database: {NUMBER}",
        description="Lookups and lease renewals fail on these replicas. Servers are removed when their leases expire.",
    ),
    registry_alert(
        name="MCPRegistrySyncStale",
        expression=lambda scope: promql.registry_sync_age(scope.threshold),
        for_seconds=60,
        summary=f"A replica of {SERVER} last synced with its database {NUMBER} s ago",
        description="It serves stale entries and does not remove servers whose lease expired.",
        threshold=Threshold(default=60, unit="seconds", minimum=10, maximum=86_400),
    ),
    Alert(
        name="MCPAgentHeartbeatStale",
        expression=lambda scope: promql.heartbeat_age(scope.threshold),
        for_seconds=60,
        component=Component.SERVER,
        summary=f"The registry last received a heartbeat of {SERVER} {NUMBER} s ago",
        description="Its lease has expired: lookups by name do not return it. Clients that know its address are not "
        "affected.",
        threshold=Threshold(default=90, unit="seconds", minimum=30, maximum=86_400),
    ),
)
"""The registry syncs every 5 s. A lease lasts 30 s; the default of MCPAgentHeartbeatStale is three leases."""
