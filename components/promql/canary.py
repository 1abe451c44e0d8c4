"""PromQL of canary analysis: operations, errors and durations of one version's pods over a window."""

from meshed_mcp import contract
from meshed_mcp.components.promql import selectors, sli


def version_selector(select: str, version: str) -> str:
    """`select`, limited to the pods of one version (stable, canary)."""
    return f'{select},{contract.LABEL_VERSION}="{version}"'


def operations(select: str, window: str, release: str | None = None) -> str:
    """Operations without client errors."""
    return f"sum({_of_release(_counted(select, sli.NO_CLIENT_ERRORS, window), select, release)})"


def errors(select: str, window: str, release: str | None = None) -> str:
    """Operations that failed with a server error."""
    failed = f'{contract.LABEL_ERROR}!="",{sli.NO_CLIENT_ERRORS}'
    return f"sum({_of_release(_counted(select, failed, window), select, release)})"


def durations(select: str, window: str, release: str | None = None) -> str:
    """Buckets of the duration of completed tool calls."""
    buckets = f"{contract.METRIC_OPERATION_DURATION}_bucket{{{select},{selectors.CALL_METHOD},{sli.COMPLETED}}}"
    return f"sum by (le) ({_of_release(f'increase({buckets}[{window}])', select, release)})"


def release_first_seen(select: str, window: str) -> str:
    """Unix time at which each release of `window` was first seen."""
    seen = f"min_over_time(timestamp({contract.METRIC_INFO}{{{select}}})[{window}:15s])"
    return f"min by ({contract.LABEL_RELEASE}) ({seen})"


def _counted(select: str, which: str, window: str) -> str:
    return f"increase({contract.METRIC_OPERATION_DURATION}_count{{{select},{which}}}[{window}])"


def _of_release(counted: str, select: str, release: str | None) -> str:
    if release is None:
        return counted
    info = f'{contract.METRIC_INFO}{{{select},{contract.LABEL_RELEASE}="{release}"}}'
    return f"{counted} * on (namespace, pod) group_left () max by (namespace, pod) ({info})"
