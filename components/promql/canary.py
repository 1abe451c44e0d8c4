"""PromQL that compares two versions of a server: operations, failures and durations of its pods over one window.

In: a version or a release, a window. Out: PromQL text. Not here: the verdict (`meshed_mcp/cli/canary_analysis.py`).
"""

from meshed_mcp import contract
from meshed_mcp.components.promql import selectors, sli


def of_version(select: str, version: str) -> str:
    """`select`, of the pods of one version (stable, canary) alone."""
    return f'{select},{contract.LABEL_VERSION}="{version}"'


def operations(select: str, window: str, release: str | None = None) -> str:
    """Operations that count, caller faults excluded."""
    return f"sum({_of_release(_counted(select, sli.OURS, window), select, release)})"


def errors(select: str, window: str, release: str | None = None) -> str:
    """Those of them that failed."""
    failed = f'{contract.LABEL_ERROR}!="",{sli.OURS}'
    return f"sum({_of_release(_counted(select, failed, window), select, release)})"


def durations(select: str, window: str, release: str | None = None) -> str:
    """Tool calls whose duration counts, by bound."""
    buckets = f"{contract.METRIC_OPERATION_DURATION}_bucket{{{select},{selectors.CALL_METHOD},{sli.ENDED}}}"
    return f"sum by (le) ({_of_release(f'increase({buckets}[{window}])', select, release)})"


def releases(select: str, window: str) -> str:
    """When each release of `window` was first seen, Unix time, per release."""
    seen = f"min_over_time(timestamp({contract.METRIC_INFO}{{{select}}})[{window}:15s])"
    return f"min by ({contract.LABEL_RELEASE}) ({seen})"


def _counted(select: str, which: str, window: str) -> str:
    return f"increase({contract.METRIC_OPERATION_DURATION}_count{{{select},{which}}}[{window}])"


def _of_release(counted: str, select: str, release: str | None) -> str:
    if release is None:
        return counted
    info = f'{contract.METRIC_INFO}{{{select},{contract.LABEL_RELEASE}="{release}"}}'
    return f"{counted} * on (namespace, pod) group_left () max by (namespace, pod) ({info})"
