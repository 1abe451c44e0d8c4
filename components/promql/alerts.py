"""PromQL of the alerts on services: replicas, registry, traffic, saturation, containers.

Each function returns an expression that is empty unless the alert applies; its value is the number in the alert's
summary. Each other topic has the expressions of its alerts in its own module, such as `sli.py` or `mesh.py`.
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.promql import load, mesh, selectors, sidecar
from meshed_mcp.components.promql.selectors import BY_SERVER, MIN_REQUESTS, PromQL

CONTAINER: Final = f'container="{contract.CONTAINER_NAME}"'
SERVER_TARGETS: Final = f'{CONTAINER},{contract.LABEL_SERVER}!=""'
"""Matchers of the scrape targets of servers with the runtime."""

MIN_OPEN_STREAMS: Final = 500
"""Open streams below which a growth since yesterday is normal."""


def no_replicas_up(matcher: str) -> PromQL:
    """Replicas in the spec of a server that has no target up; a server scaled to zero is excluded.

    A server without the runtime has none up while it was ready within the hour and no replica is: its target is the
    sidecar, which outlives it.
    """
    desired = f"({_deployment('kube_deployment_spec_replicas', '(.*)')}) > 0"
    known = f"count {BY_SERVER} (max_over_time(up{{{SERVER_TARGETS},{matcher}}}[1h]))"
    proxied = f"count {BY_SERVER} (max_over_time(up{{{sidecar.TARGETS},{matcher}}}[1h]))"
    ready = f"({_ready_replicas()}) > 0"
    was_ready = f"({_ready_replicas('max_over_time({}[1h])')}) > 0"
    of_sidecars = f"{desired} and {proxied} and {was_ready} unless {ready}"
    return PromQL(f"({desired} and {known} unless {_targets_up(matcher)}) or ({of_sidecars})")


def no_ready_replicas() -> PromQL:
    """Targets up of a server that has no ready replica."""
    return PromQL(f"{_targets_up()} and ({_ready_replicas()}) == 0")


def ready_replicas_not_scraped(threshold: float) -> PromQL:
    """Ready replicas without a target up, of servers that were scraped within a day."""
    targets = selectors.SERVER_TARGETS
    known = f"count {BY_SERVER} (max_over_time(up{{{targets}}}[1d]))"
    scraped = f"sum {BY_SERVER} (up{{{targets}}} == 1)"
    return PromQL(f"(({_ready_replicas()}) and {known}) - ({scraped} or 0 * {known}) > {threshold:g}")


def sidecar_metrics_missing() -> PromQL:
    """Responses per second of servers without the runtime, by Istio's metrics, whose sidecars export no requests.

    Requests that the sidecar itself rejects reach no server and are not counted.
    """
    answered = f'{mesh.REQUESTS}{{{mesh.SERVER_SIDE},response_code=~"2.."}}'
    placed = f'label_replace({answered}, "namespace", "$1", "destination_workload_namespace", "(.+)")'
    names = f"(.*?)(-{contract.CANARY})?"
    named = f'label_replace({placed}, "{contract.LABEL_SERVER}", "$1", "destination_workload", "{names}")'
    targets = f"count {BY_SERVER} (up{{{sidecar.TARGETS}}} == 1)"
    exported = f"count {BY_SERVER} ({contract.METRIC_PROXY_ACTIVE}{{{sidecar.IS_SERVER}}})"
    return PromQL(f"sum {BY_SERVER} ({named}) > 0 and {targets} unless {exported}")


def target_down(namespace: str, job: str) -> PromQL:
    """1 while no target of `job` is up."""
    return PromQL(f'absent(up{{namespace="{namespace}",job="{job}"}} == 1)')


def heartbeat_age(threshold: float) -> PromQL:
    """Seconds since the registry last received a heartbeat of any replica of a server."""
    return PromQL(f"time() - max {BY_SERVER} ({contract.METRIC_HEARTBEAT}) > {threshold:g}")


def registry_sync_age(threshold: float) -> PromQL:
    """Seconds since the last sync with the database, of the registry replica that is furthest behind."""
    return PromQL(f"max {BY_SERVER} (time() - {contract.METRIC_REGISTRY_SYNC}) > {threshold:g}")


def replicas_where_zero(gauge: str) -> PromQL:
    """Replicas whose `gauge` is 0, such as a connection that is down."""
    return PromQL(f"count {BY_SERVER} ({gauge} == 0)")


def queued_requests(threshold: float) -> PromQL:
    """Lowest number of queued requests within five minutes."""
    return PromQL(f"min_over_time(({load.RULES[load.QUEUED]})[5m:15s]) > {threshold:g}")


def saturation(threshold: float) -> PromQL:
    """Lowest ratio of used concurrency slots within five minutes, 0..1."""
    return PromQL(f"min_over_time(({load.RULES[load.SATURATION]})[5m:15s]) > {threshold:g}")


def no_traffic(rate: str, threshold: float) -> PromQL:
    """Requests per second a week ago, where the recorded `rate` has been zero for half an hour."""
    last_week = f"avg_over_time({rate}[30m] offset 1w) > {threshold:g}"
    return PromQL(f"{last_week} and max_over_time({rate}[30m]) == 0")


def rejected_ratio(threshold: float) -> PromQL:
    """Ratio of rejected requests, 0..1, per reason."""
    all_requests = f"sum {BY_SERVER} (increase({contract.METRIC_HTTP_DURATION}_count[10m]))"
    by_reason = f"sum by (namespace, {contract.LABEL_SERVER}, reason) (increase({contract.METRIC_REJECTED}[10m]))"
    on = f"on (namespace, {contract.LABEL_SERVER})"
    ratio = f"{by_reason} / {on} group_left () ({all_requests} >= {MIN_REQUESTS})"
    return PromQL(f"{ratio} > {threshold:g}")


def label_overflow(threshold: float) -> PromQL:
    """Label values replaced by `_OTHER` in an hour, per metric and label."""
    by = f"sum by (namespace, {contract.LABEL_SERVER}, metric, label)"
    return PromQL(f"{by} (increase({contract.METRIC_LABEL_OVERFLOW}[1h])) > {threshold:g}")


def spans_dropped(threshold: float) -> PromQL:
    """Spans that a server dropped or failed to export in ten minutes."""
    failed = f'increase({contract.METRIC_SPANS_EXPORTED}{{{contract.LABEL_ERROR}!=""}}[10m])'
    dropped = f'increase({contract.METRIC_SPANS_PROCESSED}{{{contract.LABEL_ERROR}!=""}}[10m])'
    return PromQL(f"sum {BY_SERVER} ({failed} or {dropped}) > {threshold:g}")


def open_streams_growth(factor: float) -> PromQL:
    """Open streams, where they have been more than `factor` times those of a day ago for half an hour."""
    streams = f"sum {BY_SERVER} ({contract.METRIC_OPEN_STREAMS}) or {sidecar.open_streams_by(BY_SERVER)}"
    yesterday = f"max_over_time(({streams})[30m:1m] offset 1d)"
    now = f"min_over_time(({streams})[30m:1m])"
    return PromQL(f"{now} > {factor:g} * {yesterday} and {now} > {MIN_OPEN_STREAMS}")


def container_restarts(threshold: float) -> PromQL:
    """Restarts of a server's container in half an hour, per pod."""
    restarts = f"increase(kube_pod_container_status_restarts_total{{{CONTAINER}}}[30m])"
    return PromQL(f"round(max by (namespace, pod) ({restarts})) >= {threshold:g}")


def memory_usage_ratio(threshold: float) -> PromQL:
    """Ratio of its memory limit that a server's container uses, 0..1, per pod."""
    used = f"max by (namespace, pod) (container_memory_working_set_bytes{{{CONTAINER}}})"
    limit = f'max by (namespace, pod) (kube_pod_container_resource_limits{{{CONTAINER},resource="memory"}})'
    return PromQL(f"{_with_server(f'{used} / {limit}')} > {threshold:g}")


def cpu_throttled_ratio(threshold: float) -> PromQL:
    """Ratio of its CPU periods in which a server's container was throttled, 0..1, per pod."""
    throttled = f"sum by (namespace, pod) (increase(container_cpu_cfs_throttled_periods_total{{{CONTAINER}}}[10m]))"
    periods = f"sum by (namespace, pod) (increase(container_cpu_cfs_periods_total{{{CONTAINER}}}[10m]))"
    return PromQL(f"{_with_server(f'{throttled} / ({periods} > 0)')} > {threshold:g}")


def _targets_up(matcher: str = "") -> str:
    select = f"{SERVER_TARGETS},{matcher}" if matcher else SERVER_TARGETS
    return f"sum {BY_SERVER} (up{{{select}}} == 1)"


def _ready_replicas(over: str = "{}") -> str:
    metric = over.format("kube_deployment_status_replicas_ready")
    return _deployment(metric, f"(.*?)(-{contract.CANARY})?")


def _deployment(metric: str, names: str) -> str:
    """A metric of Deployments, per server; the first group of the pattern `names` is the server's name."""
    return f'sum {BY_SERVER} (label_replace({metric}, "{contract.LABEL_SERVER}", "$1", "deployment", "{names}"))'


def _with_server(by_pod: str) -> str:
    """An expression per pod, with the label of the pod's server."""
    joined = f"group_left ({contract.LABEL_SERVER}) {selectors.pods_by_server()}"
    return f"({by_pod}) * on (namespace, pod) {joined}"
