"""PromQL of what callers see, from recorded series: as fast for a thousand pods as for one.

In: selectors (`queries.selector`). Out: PromQL text. Not here: what is recorded (`sli.py`), the pods' own
series with their traces (`queries.latency_quantile`).
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.promql import sli

EVERY_CALL: Final = 'le="+Inf"'
"""The last bucket of a histogram counts all. Source: OpenMetrics 1.0, "Histogram"."""


def call_rate(select: str) -> str:
    """Finished tool calls, per second, per server."""
    return f"sum by ({contract.LABEL_SERVER}) ({sli.SERVER_DURATIONS}{{{select},{EVERY_CALL}}})"


def operations_by(label: str, select: str) -> str:
    """Operations per second, per value of `label`: the method, or the protocol's version."""
    return f"sum by ({label}) ({sli.PROTOCOL}{{{select}}})"


def error_share(select: str) -> str:
    """Share of operations of five minutes that failed by the server's fault, 0..1, per server; absent if idle."""
    return f"{sli.share_name('server', 'errors', '5m')}{{{select}}}"


def latency(quantile: float, select: str) -> str:
    """Duration of tool calls, seconds, at `quantile` (0..1), over the selected servers together."""
    return f"histogram_quantile({quantile}, sum by (le) ({sli.SERVER_DURATIONS}{{{select}}}))"


def latency_by_tool(quantile: float, count: int, select: str) -> str:
    """Duration of calls, seconds, at `quantile` (0..1) of the `count` slowest tools."""
    by = f"{contract.LABEL_SERVER}, {contract.LABEL_TOOL}, le"
    return f"topk({count}, histogram_quantile({quantile}, sum by ({by}) ({sli.DURATIONS}{{{select}}})))"


def top_tools(count: int, select: str) -> str:
    """The `count` tools called most, calls per second, per tool and server."""
    by = f"{contract.LABEL_TOOL}, {contract.LABEL_SERVER}"
    return f"topk({count}, sum by ({by}) ({sli.DURATIONS}{{{select},{EVERY_CALL}}}))"


def new_releases(select: str, seconds: int) -> str:
    """Replicas of releases that were not there `seconds` ago, per server, version and release: a mark for a page."""
    by = f"sum by (namespace, {contract.LABEL_SERVER}, {contract.LABEL_VERSION}, {contract.LABEL_RELEASE})"
    now = f"{by} ({sli.RELEASES}{{{select}}})"
    known = f"count by (namespace, {contract.LABEL_SERVER}) ({sli.RELEASES}{{{select}}} offset {seconds}s)"
    before = f"{by} ({sli.RELEASES}{{{select}}} offset {seconds}s)"
    return f"({now} unless {before}) and on (namespace, {contract.LABEL_SERVER}) {known}"
