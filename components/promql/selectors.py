"""PromQL selectors and per-pod expressions that dashboards, autoscalers and rules share.

Arguments are label matchers made by `selector`, and windows such as "30s" or Grafana's `$__rate_interval`.
"""

from typing import Final, NewType

from meshed_mcp import contract

PromQL = NewType("PromQL", str)
"""Text of one PromQL expression."""

BY_SERVER: Final = f"by (namespace, {contract.LABEL_SERVER})"
"""Aggregates over replicas; a server's name is unique only in its namespace."""

SERVER_TARGETS: Final = f'container=~"{contract.CONTAINER_NAME}|{contract.PROXY_CONTAINER}",{contract.LABEL_SERVER}!=""'
"""Matchers of the scrape targets of MCP servers, one per pod: the server, or its sidecar where it has no metrics."""

CALL_METHOD: Final = f'{contract.LABEL_METHOD}="tools/call"'
"""Matches tool calls; the operation histogram counts every MCP method. Source: MCP, method `tools/call`."""

DEPLOYMENT_METRICS: Final = {
    "ready": "kube_deployment_status_replicas_ready",
    "desired": "kube_deployment_spec_replicas",
}
"""Source: kube-state-metrics, "Deployment Metrics"."""

MIN_REQUESTS: Final = 100
"""Requests in ten minutes below which a ratio of requests is not meaningful."""

MALFORMED_REQUESTS: Final = ("-32700", "-32600", "-32601", "-32602", "-32002")
"""Values of `error_type` that are not server errors. Source: OpenTelemetry MCP conventions, server spans."""

CLIENT_STATE_ERRORS: Final = ("-32020", "-32021", "-32022", "-32042", "cancelled")
"""Further client errors: headers that contradict the body, a missing capability or version, missing consent, and a
client that disconnected. Source: MCP 2026-07-28, "Error Codes"; `cancelled` is ours."""

CLIENT_ERRORS: Final = (*MALFORMED_REQUESTS, *CLIENT_STATE_ERRORS)

HELD_SECONDS: Final = 30
"""How long the autoscaler keeps a peak, and how long gauges must be missing before it corrects for them. It covers the
time in which a new replica is ready but not yet scraped."""

HELD_STEP_SECONDS: Final = 1
"""Resolution of both subqueries of the autoscaler, so that the correction begins in the second in which the peak ends.
With 5 s for the correction, they overlap for up to 5 s and ask for twice the replicas."""


def selector(namespace: str, server: str, *, version: str | None = None, regex: bool = False) -> str:
    """Label matchers of one server's series, or of several with `regex`, optionally of the pods of one `version`."""
    operator = "=~" if regex else "="
    of_version = "" if version is None else f',{contract.LABEL_VERSION}{operator}"{version}"'
    return f'namespace{operator}"{namespace}",{contract.LABEL_SERVER}{operator}"{server}"{of_version}'


def latency_quantile(quantile: float, select: str, window: str) -> str:
    """Duration of tool calls, seconds, at `quantile` (0..1), from the pods' own series, which have exemplars."""
    buckets = f"{contract.METRIC_OPERATION_DURATION}_bucket{{{select},{CALL_METHOD}}}"
    return f"histogram_quantile({quantile}, sum by (le) (rate({buckets}[{window}])))"


def in_flight(select: str) -> str:
    """In-flight and queued requests of the selected pods; an open `subscriptions/listen` does not count."""
    return f"sum({_load(select)})"


def in_flight_by_server(select: str) -> str:
    """In-flight and queued requests, per server."""
    return f"sum by ({contract.LABEL_SERVER}) ({_load(select)})"


def held_in_flight(select: str) -> str:
    """In-flight and queued requests for the autoscaler: the recent peak, corrected for pods that report nothing.

    Without the peak, a replica that is ready but not yet scraped lowers the sum, and the next sync removes it. Without
    the correction, the replica count halves when half of the gauges vanish. The correction is a minimum of its own:
    inside the peak, terminating pods would count for too long. Absent if all gauges are.
    Source: measured with the real HPA controller and KEDA, 4 -> 8 and 4 -> 16 replicas, failures included.
    """
    return _held(in_flight(select), select)


def held_sessions(select: str) -> str:
    """Open sessions of clients up to 2025-11-25, for the autoscaler: held and corrected like `held_in_flight`."""
    return _held(f"sum({contract.METRIC_ACTIVE_SESSIONS}{{{select}}})", select)


def pods_of(deployment: str) -> str:
    """Pattern of the names of the pods of a Deployment and of its canary. Source: ReplicaSet and pod name suffixes."""
    return f"{deployment}(-{contract.CANARY})?-[a-z0-9]+-[a-z0-9]{{5}}"


def replicas(which: str, namespace: str, deployment: str) -> str:
    """Replicas per Deployment: `ready` ones, or `desired` by the spec; the other arguments are patterns."""
    return f'sum by (deployment) ({DEPLOYMENT_METRICS[which]}{{namespace=~"{namespace}",deployment=~"{deployment}"}})'


def pods_by_server() -> str:
    """1 for each pod of every MCP server, as a vector to join with: namespace, server, pod."""
    proxies = f'up{{container="{contract.PROXY_CONTAINER}",{contract.LABEL_SERVER}!=""}} >= bool 0'
    return f"max by (namespace, {contract.LABEL_SERVER}, pod) ({contract.METRIC_INFO} or {proxies})"


def container_cpu(namespace: str, pod: str, window: str) -> str:
    """CPU of the server's container, cores, per pod; `namespace` and `pod` are patterns. Source: cAdvisor."""
    return f"sum by (pod) (rate(container_cpu_usage_seconds_total{{{_container(namespace, pod)}}}[{window}]))"


def container_memory(namespace: str, pod: str) -> str:
    """Working set of the server's container, bytes, per pod: what the memory limit counts. Source: cAdvisor."""
    return f"sum by (pod) (container_memory_working_set_bytes{{{_container(namespace, pod)}}})"


def _held(load: str, select: str) -> str:
    held = f"{HELD_SECONDS}s:{HELD_STEP_SECONDS}s"
    scraped = f'count(up{{{select},container="{contract.CONTAINER_NAME}"}})'
    reporting = f"count(count by (pod) ({contract.METRIC_ACTIVE_REQUESTS}{{{select}}}))"
    return f"max_over_time({load}[{held}]) * min_over_time(({scraped} / {reporting})[{held}])"


def _load(select: str) -> str:
    return f'{{__name__=~"{contract.METRIC_ACTIVE_REQUESTS}|{contract.METRIC_QUEUE_DEPTH}",{select}}}'


def _container(namespace: str, pod: str) -> str:
    return f'namespace=~"{namespace}",pod=~"{pod}",container="{contract.CONTAINER_NAME}"'
