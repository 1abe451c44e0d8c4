"""Every PromQL expression, once: panels, scalers and (later) rules call these functions.

In: a selector made by `selector`, and windows such as "30s" or Grafana's `$__rate_interval`. Out: PromQL text. Names
that the runtime shares come from `contract`; those of cAdvisor and kube-state-metrics stand here.
"""

from typing import Final, NewType

from meshed_mcp import contract

PromQL = NewType("PromQL", str)
"""Text of one PromQL expression."""

BY_SERVER: Final = f"by (namespace, {contract.LABEL_SERVER})"
"""Joins replicas; a server's name is unique in its namespace alone."""

CALL_METHOD: Final = f'{contract.LABEL_METHOD}="tools/call"'
"""Only tool calls; the operation histogram counts every MCP method. Source: MCP, method `tools/call`."""

MALFORMED_CALLS: Final = ("-32700", "-32600", "-32601", "-32602", "-32002")
"""Values of `error_type` that are no error of the server. Source: OpenTelemetry MCP conventions, server spans."""

UNFIT_CALLERS: Final = ("-32020", "-32021", "-32022", "-32042", "cancelled")
"""Values that are the caller's doing as well: headers that contradict the body, a capability or version it lacks, a
consent that it must ask for first, and that it went away. Source: MCP 2026-07-28, "Error Codes"; the last is ours."""

CALLER_FAULTS: Final = (*MALFORMED_CALLS, *UNFIT_CALLERS)

HELD_SECONDS: Final = 30
"""How long the scaler keeps a peak, and how long gauges must be missing before it counts them in. It covers the
seconds in which a new replica is ready but not yet scraped."""

HELD_STEP_SECONDS: Final = 1
"""Resolution of the scaler's two subqueries: one for both, so that the correction begins in the second in which the
peak ends. With 5 s for the correction, they overlap for up to 5 s and ask for twice the size."""


def selector(namespace: str, server: str, *, version: str | None = None, regex: bool = False) -> str:
    """Label matchers of one server's series, or of several with `regex` (Grafana's variables expand to patterns).

    `version`: of the pods of one version only.
    """
    operator = "=~" if regex else "="
    of_version = "" if version is None else f',{contract.LABEL_VERSION}{operator}"{version}"'
    return f'namespace{operator}"{namespace}",{contract.LABEL_SERVER}{operator}"{server}"{of_version}'


def latency_quantile(quantile: float, select: str, window: str) -> str:
    """Duration of tool calls, seconds, at `quantile` (0..1), from the pods' own series: with traces, for one server."""
    buckets = f"{contract.METRIC_OPERATION_DURATION}_bucket{{{select},{CALL_METHOD}}}"
    return f"histogram_quantile({quantile}, sum by (le) (rate({buckets}[{window}])))"


def in_flight(select: str) -> str:
    """Calls in work and waiting, as a number, over the selected pods; an open `subscriptions/listen` does not count."""
    return f"sum({_load(select)})"


def in_flight_by_server(select: str) -> str:
    """The same, per server."""
    return f"sum by ({contract.LABEL_SERVER}) ({_load(select)})"


def held_in_flight(select: str) -> str:
    """Calls in work and waiting, for the autoscaler: the recent peak, corrected for pods that report nothing.

    Without the peak, a replica that is ready but not yet scraped makes the sum fall, and the next sync removes it.
    Without the correction, the size halves when half of the gauges vanish. The two stay apart and the correction takes
    the minimum ("clamped"): inside the peak, ending pods would count for too long. Absent once every gauge is.
    Source: measured with the real HPA controller and KEDA, 4 -> 8 and 4 -> 16 replicas, faults included.
    """
    return _held(in_flight(select), select)


def held_sessions(select: str) -> str:
    """Open sessions of clients up to 2025-11-25, for the autoscaler: held and corrected like `held_in_flight`."""
    return _held(f"sum({contract.METRIC_ACTIVE_SESSIONS}{{{select}}})", select)


def pods_of(deployment: str) -> str:
    """Pattern of the names of the pods of a Deployment and of its canary. Source: ReplicaSet and pod name suffixes."""
    return f"{deployment}(-{contract.CANARY})?-[a-z0-9]+-[a-z0-9]{{5}}"


def ready_replicas(namespace: str, deployment: str) -> str:
    """Replicas that are ready, per Deployment; both arguments are patterns. Source: kube-state-metrics, Deployment."""
    return _replicas("ready", namespace, deployment)


def wanted_replicas(namespace: str, deployment: str) -> str:
    """Replicas in the Deployment's spec, per Deployment; both arguments are patterns. Source: as `ready_replicas`."""
    return _replicas("spec", namespace, deployment)


def container_cpu(namespace: str, pod: str, window: str) -> str:
    """CPU of the server's container, cores, per pod; `namespace` and `pod` are patterns. Source: cAdvisor."""
    return f"sum by (pod) (rate(container_cpu_usage_seconds_total{{{_container(namespace, pod)}}}[{window}]))"


def container_memory(namespace: str, pod: str) -> str:
    """Working set of the server's container, bytes, per pod: what the memory limit counts. Source: cAdvisor."""
    return f"sum by (pod) (container_memory_working_set_bytes{{{_container(namespace, pod)}}})"


def top_pods(count: int, by_pod: str) -> str:
    """The `count` largest of an expression per pod: all of a thousand show nothing and cost most."""
    return f"topk({count}, {by_pod})"


def _held(load: str, select: str) -> str:
    held = f"{HELD_SECONDS}s:{HELD_STEP_SECONDS}s"
    scraped = f'count(up{{{select},container="{contract.CONTAINER_NAME}"}})'
    reporting = f"count(count by (pod) ({contract.METRIC_ACTIVE_REQUESTS}{{{select}}}))"
    return f"max_over_time({load}[{held}]) * min_over_time(({scraped} / {reporting})[{held}])"


def _load(select: str) -> str:
    return f'{{__name__=~"{contract.METRIC_ACTIVE_REQUESTS}|{contract.METRIC_QUEUE_DEPTH}",{select}}}'


def _container(namespace: str, pod: str) -> str:
    return f'namespace=~"{namespace}",pod=~"{pod}",container="{contract.CONTAINER_NAME}"'


def _replicas(which: str, namespace: str, deployment: str) -> str:
    metric = {"ready": "kube_deployment_status_replicas_ready", "spec": "kube_deployment_spec_replicas"}[which]
    return f'sum by (deployment) ({metric}{{namespace=~"{namespace}",deployment=~"{deployment}"}})'
