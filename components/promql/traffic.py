"""PromQL of traffic: call rates, error ratios, latency, rejected requests, CPU throttling, values of one pod.

Except for `rejected`, `open_streams`, `throttled_ratio` and `pod_*` all read recorded series, whose cost does not
depend on the number of pods.
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.promql import selectors, sidecar, sli

ALL_CALLS: Final = 'le="+Inf"'
"""The last bucket of a histogram counts all. Source: OpenMetrics 1.0, "Histogram"."""


EVERY_RESPONSE: Final = "all responses"
"""Legend of a server whose tools are unknown."""


def call_rate(select: str) -> str:
    """Completed tool calls per second, per server."""
    return f"sum by ({contract.LABEL_SERVER}) ({sli.SERVER_DURATIONS}{{{select},{ALL_CALLS}}})"


def operations_by(label: str, select: str) -> str:
    """Operations per second, per value of `label`: method or protocol version."""
    return f"sum by ({label}) ({sli.OPERATIONS_BY_PROTOCOL}{{{select}}})"


def error_ratio(select: str) -> str:
    """Ratio of operations of five minutes that failed with a server error, 0..1, per server; absent if idle."""
    return f"{sli.ratio_name('server', 'errors', '5m')}{{{select}}}"


def latency(quantile: float, select: str) -> str:
    """Duration of tool calls, seconds, at `quantile` (0..1), over all selected servers."""
    return f"histogram_quantile({quantile}, sum by (le) ({sli.SERVER_DURATIONS}{{{select}}}))"


def latency_of_pods(quantile: float, select: str, window: str) -> str:
    """Duration of calls, seconds, at `quantile` (0..1), from the pods' own series, which have exemplars.

    Without the runtime from the recorded ones: a sidecar has no exemplars.
    """
    return f"{selectors.latency_quantile(quantile, select, window)} or {latency(quantile, select)}"


def latency_by_tool(quantile: float, count: int, select: str) -> str:
    """Duration of tool calls, seconds, at `quantile` (0..1), of the `count` slowest tools."""
    by = f"{contract.LABEL_SERVER}, {contract.LABEL_TOOL}, le"
    return f"topk({count}, histogram_quantile({quantile}, sum by ({by}) ({sli.DURATIONS}{{{select}}})))"


def top_tools(count: int, select: str) -> str:
    """Calls per second of the `count` most called tools, per tool and server."""
    by = f"{contract.LABEL_TOOL}, {contract.LABEL_SERVER}"
    return f"topk({count}, sum by ({by}) ({sli.DURATIONS}{{{select},{ALL_CALLS}}}))"


def new_releases(select: str, seconds: int) -> str:
    """Replicas of releases that did not exist `seconds` ago, per server, version and release: an annotation."""
    by = f"sum by (namespace, {contract.LABEL_SERVER}, {contract.LABEL_VERSION}, {contract.LABEL_RELEASE})"
    now = f"{by} ({sli.REPLICAS_BY_RELEASE}{{{select}}})"
    known = f"count by (namespace, {contract.LABEL_SERVER}) ({sli.REPLICAS_BY_RELEASE}{{{select}}} offset {seconds}s)"
    before = f"{by} ({sli.REPLICAS_BY_RELEASE}{{{select}}} offset {seconds}s)"
    return f"({now} unless {before}) and on (namespace, {contract.LABEL_SERVER}) {known}"


def open_streams(select: str) -> str:
    """Open streams, per server and kind; of a server without the runtime, of every kind."""
    by_kind = f"sum by ({contract.LABEL_SERVER}, kind) ({contract.METRIC_OPEN_STREAMS}{{{select}}})"
    return f"{by_kind} or {sidecar.open_streams(select)}"


def rejected(select: str, window: str) -> str:
    """Rejected requests per second, per server and reason."""
    return f"sum by ({contract.LABEL_SERVER}, reason) (rate({contract.METRIC_REJECTED}{{{select}}}[{window}]))"


def throttled_ratio(namespace: str, pod: str, window: str) -> str:
    """Ratio of CPU periods in which a server's container was throttled, 0..1, per pod."""
    select = f'namespace=~"{namespace}",pod=~"{pod}",container="{contract.CONTAINER_NAME}"'
    throttled, periods = (
        f"sum by (pod) (rate(container_cpu_cfs_{which}_total{{{select}}}[{window}]))"
        for which in ("throttled_periods", "periods")
    )
    return f"{throttled} / ({periods} > 0)"


def pod_call_rate(select: str, pod: str, window: str) -> str:
    """Completed tool calls per second of one pod, per tool; without the runtime, its responses under one name."""
    counted = f'{contract.METRIC_OPERATION_DURATION}_count{{{select},pod="{pod}",{selectors.CALL_METHOD}}}'
    responses = f'sum(rate({sidecar.BUCKETS}{{{select},pod="{pod}",{ALL_CALLS}}}[{window}]))'
    named = f'label_replace({responses}, "{contract.LABEL_TOOL}", "{EVERY_RESPONSE}", "", "")'
    return f"sum by ({contract.LABEL_TOOL}) (rate({counted}[{window}])) or {named}"
