"""PromQL of alerts that are no matter of service levels (`sli_queries.py`): each is empty unless something is wrong.

Out: PromQL text whose value is the number that the alert's summary names.
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core.queries import BY_SERVER

BY_POD: Final = f"by (namespace, {contract.LABEL_SERVER}, pod)"
CONTAINER: Final = f'container="{contract.CONTAINER_NAME}"'
OURS: Final = f'{CONTAINER},{contract.LABEL_SERVER}!=""'

REFUSED_SHARE: Final = 0.05
"""Share of a server's requests that are refused for one reason."""

REFUSED_REQUESTS: Final = 100
"""Requests in ten minutes below which a share says nothing."""

OVERFLOWN_VALUES: Final = 100
"""Unknown label values in an hour; a few are typing errors."""

NEAR_LIMIT: Final = 0.9
THROTTLED_SHARE: Final = 0.25
"""Share of a container's scheduling periods. Source: kubernetes-mixin, CPUThrottlingHigh."""

LEASES_MISSED_SECONDS: Final = 90
"""Three leases of 30 s: by then the registry has forgotten the server."""

SYNC_SECONDS: Final = 60
"""Twelve sweeps of the registry that did not come."""

USUAL_CALLS_PER_SECOND: Final = 0.1


def unreachable(matcher: str) -> str:
    """Replicas wanted of a server none of whose pods answers a scrape; one scaled to none is not meant."""
    wanted = (
        f'sum {BY_SERVER} (label_replace(kube_deployment_spec_replicas, "{contract.LABEL_SERVER}", "$1", '
        f'"deployment", "(.*)"))'
    )
    known = f"count {BY_SERVER} (max_over_time(up{{{OURS},{matcher}}}[1h]))"
    return f"(({wanted}) > 0 and {known}) unless {_answering(matcher)}"


def silent_lease() -> str:
    """Seconds since the registry last heard of any replica of a server that keeps a lease there."""
    return f"time() - max {BY_SERVER} ({contract.METRIC_HEARTBEAT}) > {LEASES_MISSED_SECONDS}"


def sync_stale() -> str:
    """Seconds since a replica of the registry last agreed with the database, of the one that is furthest behind."""
    return f"max {BY_SERVER} (time() - {contract.METRIC_REGISTRY_SYNC}) > {SYNC_SECONDS}"


def queued() -> str:
    """Calls that wait for a place, where some did at every moment of five minutes."""
    waiting = f"sum {BY_SERVER} ({contract.METRIC_QUEUE_DEPTH})"
    return f"min_over_time(({waiting})[5m:15s]) > 0"


def silent(rate: str) -> str:
    """Calls per second a week ago, where the recorded `rate` has been zero for half an hour."""
    then = f"avg_over_time({rate}[30m] offset 1w) > {USUAL_CALLS_PER_SECOND}"
    return f"{then} and max_over_time({rate}[30m]) == 0"


def refused() -> str:
    """Share of requests refused, per reason."""
    all_requests = f"sum {BY_SERVER} (increase({contract.METRIC_HTTP_DURATION}_count[10m]))"
    by_reason = f"sum by (namespace, {contract.LABEL_SERVER}, reason) (increase({contract.METRIC_REJECTED}[10m]))"
    on = f"on (namespace, {contract.LABEL_SERVER})"
    share = f"{by_reason} / {on} group_left () ({all_requests} >= {REFUSED_REQUESTS})"
    return f"{share} > {REFUSED_SHARE}"


def overflown() -> str:
    """Label values of the last hour that were replaced, per metric and label."""
    by = f"sum by (namespace, {contract.LABEL_SERVER}, metric, label)"
    return f"{by} (increase({contract.METRIC_LABEL_OVERFLOW}[1h])) > {OVERFLOWN_VALUES}"


def without_database() -> str:
    """Replicas of the registry whose database does not answer."""
    return f"count {BY_SERVER} ({contract.METRIC_REGISTRY_DATABASE_UP} == 0)"


def disconnected() -> str:
    """Replicas that do not hear the others."""
    return f"count {BY_SERVER} ({contract.METRIC_BUS_CONNECTED} == 0)"


def spans_lost() -> str:
    """Spans of the last ten minutes that reached no collector."""
    failed = f'increase({contract.METRIC_SPANS_EXPORTED}{{{contract.LABEL_ERROR}!=""}}[10m])'
    dropped = f'increase({contract.METRIC_SPANS_PROCESSED}{{{contract.LABEL_ERROR}!=""}}[10m])'
    return f"sum {BY_SERVER} ({failed} or {dropped}) > 0"


def memory_near_limit() -> str:
    """Share of its memory limit that a server's container uses, per pod."""
    used = f"max by (namespace, pod) (container_memory_working_set_bytes{{{CONTAINER}}})"
    limit = f'max by (namespace, pod) (kube_pod_container_resource_limits{{{CONTAINER},resource="memory"}})'
    return f"{_of_servers(f'{used} / {limit}')} > {NEAR_LIMIT}"


def throttled() -> str:
    """Share of its scheduling periods in which a server's container was held back, per pod."""
    held = f"sum by (namespace, pod) (increase(container_cpu_cfs_throttled_periods_total{{{CONTAINER}}}[10m]))"
    periods = f"sum by (namespace, pod) (increase(container_cpu_cfs_periods_total{{{CONTAINER}}}[10m]))"
    return f"{_of_servers(f'{held} / ({periods} > 0)')} > {THROTTLED_SHARE}"


def gone(namespace: str, job: str) -> str:
    """1 while no target of `job` answers a scrape."""
    return f'absent(up{{namespace="{namespace}",job="{job}"}} == 1)'


def _answering(matcher: str) -> str:
    return f"sum {BY_SERVER} (up{{{OURS},{matcher}}} == 1)"


def _of_servers(by_pod: str) -> str:
    name = f"max {BY_POD} ({contract.METRIC_INFO})"
    return f"({by_pod}) * on (namespace, pod) group_left ({contract.LABEL_SERVER}) {name}"
