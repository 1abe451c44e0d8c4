"""PromQL of canary analysis: operations, errors and durations of one version's pods over a window.

Of a server without the runtime they are HTTP responses, and their release is unknown: only versions are compared.
"""

from meshed_mcp import contract
from meshed_mcp.components.promql import selectors, sidecar, sli


def version_selector(select: str, version: str) -> str:
    """`select`, limited to the pods of one version (stable, canary)."""
    return f'{select},{contract.LABEL_VERSION}="{version}"'


def operations(select: str, window: str, release: str | None = None) -> str:
    """Operations without client errors."""
    own = _of_release(_counted(select, sli.NO_CLIENT_ERRORS, window), select, release)
    return f"sum({own} or {_responses(select, sidecar.COUNTED, window)})"


def errors(select: str, window: str, release: str | None = None) -> str:
    """Operations that failed with a server error."""
    failed = f'{contract.LABEL_ERROR}!="",{sli.NO_CLIENT_ERRORS}'
    own = _of_release(_counted(select, failed, window), select, release)
    return f"sum({own} or {_responses(select, sidecar.FAILED, window)})"


def durations(select: str, window: str, release: str | None = None) -> str:
    """Buckets of the duration of completed tool calls."""
    buckets = f"{contract.METRIC_OPERATION_DURATION}_bucket{{{select},{selectors.CALL_METHOD},{sli.COMPLETED}}}"
    own = f"sum by (le) ({_of_release(f'increase({buckets}[{window}])', select, release)})"
    responses = sidecar.in_seconds(f"sum by (le) (increase({sidecar.BUCKETS}{{{select}}}[{window}]))")
    return f"{own} or {responses}"


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


def _responses(select: str, which: str, window: str) -> str:
    return f"increase({contract.METRIC_PROXY_RESPONSES}{{{select},{which}}}[{window}])"
