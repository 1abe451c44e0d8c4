"""PromQL of alerts on limits: replicas, places, restarts, connections, volumes. Empty unless something is wrong.

Out: PromQL text whose value is the number that the alert's summary names.
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core import capacity_queries, mesh_queries
from meshed_mcp.components.core.alert_queries import CONTAINER, OURS
from meshed_mcp.components.core.queries import BY_SERVER
from meshed_mcp.components.core.scaling_queries import METRICS

FULL: Final = 0.9
"""Part of a server's places for calls at which the next burst waits."""

RESTARTS: Final = 3
"""Restarts of one container in half an hour: more than a node drained and a rollout."""

RESET_SHARE: Final = 0.01
REQUESTS: Final = 100
"""Requests in ten minutes below which a share says nothing."""

RESETS: Final = "UC|UF|URX|LR|UR|DPE|UPE"
"""Envoy's flags of a connection that broke or was refused upstream; time-outs and "no route" are others. Source: Envoy,
access log, %RESPONSE_FLAGS%."""

STREAM_GROWTH: Final = 3
LEAST_STREAMS: Final = 500
"""Open streams, below which three times as many as a day ago is a good day."""

MISSING_REPLICAS: Final = 0

READY: Final = (
    f'sum {BY_SERVER} (label_replace(kube_deployment_status_replicas_ready, "{contract.LABEL_SERVER}", "$1", '
    f'"deployment", "(.*?)(-{contract.CANARY})?"))'
)
"""Replicas that Kubernetes calls ready, per server, its canary's too."""

ANSWERING: Final = f"sum {BY_SERVER} (up{{{OURS}}} == 1)"
NEXT_WORKLOAD: Final = "destination_workload_namespace, destination_workload"


def saturated() -> str:
    """Part of a server's places for calls that was taken at every moment of five minutes, 0..1."""
    taken = f"sum {BY_SERVER} ({contract.METRIC_ACTIVE_REQUESTS}) / sum {BY_SERVER} ({contract.METRIC_CALL_PLACES})"
    return f"min_over_time(({taken})[5m:15s]) > {FULL}"


def at_maximum() -> str:
    """Replicas of an autoscaler that wants its most; one whose bounds are equal is not meant."""
    desired, most, least = (METRICS[which] for which in ("desired", "max", "min"))
    by = "on (namespace, horizontalpodautoscaler)"
    return f"({desired} >= {by} {most}) and {by} ({most} > {by} {least})"


def restarting() -> str:
    """Restarts of a server's container in half an hour, per pod."""
    count = f"max by (namespace, pod) (increase(kube_pod_container_status_restarts_total{{{CONTAINER}}}[30m]))"
    return f"round({count}) >= {RESTARTS}"


def unscraped() -> str:
    """Replicas that Kubernetes calls ready and that answer no scrape, of servers that were ever scraped."""
    known = f"count {BY_SERVER} (max_over_time(up{{{OURS}}}[1d]))"
    return f"(({READY}) and {known}) - ({ANSWERING} or 0 * {known}) > {MISSING_REPLICAS}"


def never_ready() -> str:
    """Replicas of a server that run, where Kubernetes calls none of them ready."""
    return f"{ANSWERING} and ({READY}) == 0"


def reset_share() -> str:
    """Share of requests whose connection broke, per called workload, 0..1."""
    flags = f'{mesh_queries.CLIENT_SIDE},response_flags=~"({RESETS})"'
    broken, every = (
        f"sum by ({NEXT_WORKLOAD}) (increase(istio_requests_total{{{select}}}[10m]))"
        for select in (flags, mesh_queries.CLIENT_SIDE)
    )
    return f"{broken} / ({every} >= {REQUESTS}) > {RESET_SHARE}"


def plain_text() -> str:
    """Requests of ten minutes that reached a server without mutual TLS, per called workload."""
    select = f'{mesh_queries.SERVER_SIDE},connection_security_policy="none"'
    return f"sum by ({NEXT_WORKLOAD}) (increase(istio_requests_total{{{select}}}[10m])) > 0"


def streams_pile_up() -> str:
    """Open streams of a server, where for half an hour they were many times those of a day ago."""
    streams = f"sum {BY_SERVER} ({contract.METRIC_OPEN_STREAMS})"
    then = f"max_over_time(({streams})[30m:1m] offset 1d)"
    now = f"min_over_time(({streams})[30m:1m])"
    return f"{now} > {STREAM_GROWTH} * {then} and {now} > {LEAST_STREAMS}"


def volume_fills(namespace: str) -> str:
    """Part of a volume that is free now, where it is full in four days; one that is half empty has time."""
    ahead = f"{capacity_queries.volume_left_ahead(namespace)} < 0"
    left, size = (
        f'min by (persistentvolumeclaim) (kubelet_volume_stats_{what}_bytes{{namespace="{namespace}"}})'
        for what in ("available", "capacity")
    )
    return f"({left} / {size} < 0.5) and {ahead}"
