"""PromQL of service levels: what is recorded of operations and calls, shares over a window, what is left of a budget.

Every pod's series is read once, over RATE_WINDOW; longer windows add up what was recorded then, so that their cost
depends on the number of tools and not of pods. Out: PromQL text, and the names of recorded series
(`level:metric:operation`). Not here: objectives and windows (`observability/prometheus/slo.py`).
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.promql import selectors

RATE_WINDOW: Final = "5m"
STEP_SECONDS: Final = 15
"""How often the rates are recorded: a sum of them times this is a number of calls."""

BY_TOOL: Final = f"sum by (namespace, {contract.LABEL_SERVER}, {contract.LABEL_TOOL})"
BY_SERVER: Final = f"sum {selectors.BY_SERVER}"
OF_REGISTRY: Final = f'{contract.LABEL_SERVER}="{contract.REGISTRY_NAME}"'
NOT_REGISTRY: Final = f'{contract.LABEL_SERVER}!="{contract.REGISTRY_NAME}"'

OURS: Final = f'{contract.LABEL_ERROR}!~"{"|".join(selectors.CALLER_FAULTS)}"'
ENDED: Final = f'{contract.LABEL_ERROR}!~"{"|".join(code for code in selectors.CALLER_FAULTS if code != "cancelled")}"'
"""Calls whose duration counts: those that a caller gave up as well, for a server too slow shows in them alone."""


DURATIONS: Final = "tool:mcp_call_duration_bucket:rate1m"
"""Recorded buckets of all tool calls per second, per tool: what pages draw, for a thousand pods have too many."""

SERVER_DURATIONS: Final = "server:mcp_call_duration_bucket:rate1m"
"""The same over all tools of each server: what pages draw that do not show tools."""

SECONDS: Final = "tool:mcp_call_seconds:rate5m"
"""Recorded seconds of work per second, per tool: its share of its server's pods."""

USAGE: Final = "tool:mcp_org_requests:rate5m"
"""Recorded tool calls per second, per organization and tool."""

TOKENS: Final = "server:mcp_llm_tokens:rate5m"
"""Recorded tokens of models per second, per server, model and type."""

PROTOCOL: Final = "server:mcp_operations_by_protocol:rate5m"
"""Recorded operations per second, per server, method and protocol version, whoever is at fault for their errors."""

RELEASES: Final = "server:mcp_replicas:count"
"""Recorded replicas, per server, version and release."""

SERVED: Final = "[235].."
"""HTTP statuses of requests that count: 4xx are the caller's fault."""


def recorded(level: str, what: str) -> str:
    """Name of a recorded rate per second; `level`: tool or server, `what`: operations, errors, calls, slow_calls."""
    return f"{level}:mcp_{what}:rate{RATE_WINDOW}"


def share_name(level: str, bad: str, window: str) -> str:
    """Name of the recorded share of `bad` (errors, slow_calls) over `window`."""
    return f"{level}:mcp_{bad}:ratio_rate{window}"


def budget_name(level: str, bad: str) -> str:
    """Name of the recorded share that the objective allows."""
    return f"{level}:mcp_{bad}_budget:ratio"


def budget_left_name(bad: str) -> str:
    """Name of the recorded part of a server's budget that is left: 1 all, 0 nothing, below 0 overspent."""
    return f"server:mcp_{bad}_budget_left:ratio"


def operations() -> str:
    """Operations per second that count, per tool; the tool is empty for other methods. Caller faults do not count."""
    return f"{BY_TOOL} ({_rate(f'{contract.METRIC_OPERATION_DURATION}_count', OURS)})"


def errors() -> str:
    """Those of them that failed; 0 where none did, so that sums over time stay comparable."""
    failed = _rate(f"{contract.METRIC_OPERATION_DURATION}_count", f'{contract.LABEL_ERROR}!="",{OURS}')
    return f"{BY_TOOL} ({failed}) or 0 * {recorded('tool', 'operations')}{{{NOT_REGISTRY}}}"


def calls() -> str:
    """Tool calls per second whose duration counts, per tool."""
    return f"{BY_TOOL} ({_rate(f'{contract.METRIC_OPERATION_DURATION}_count', f'{selectors.CALL_METHOD},{ENDED}')})"


def slow_calls(matchers: str, seconds: float) -> str:
    """Those of them that took longer than `seconds`, a bound of the histogram."""
    select = f'{selectors.CALL_METHOD},{ENDED},{matchers},le="{float(seconds)}"'
    fast = f"{BY_TOOL} ({_rate(f'{contract.METRIC_OPERATION_DURATION}_bucket', select)})"
    return f"{recorded('tool', 'calls')}{{{NOT_REGISTRY},{matchers}}} - {fast}"


def registry_requests() -> str:
    """Requests per second to the registry, which speaks plain HTTP; 4xx are the caller's fault."""
    return f"{BY_SERVER} ({_rate(f'{contract.METRIC_HTTP_DURATION}_count', _answered(SERVED))})"


def registry_errors() -> str:
    """Those of them that failed."""
    failed = _rate(f"{contract.METRIC_HTTP_DURATION}_count", _answered("5.."))
    return f"{BY_SERVER} ({failed}) or 0 * {recorded('tool', 'operations')}{{{OF_REGISTRY}}}"


def registry_slow(seconds: float) -> str:
    """Those of them that took longer than `seconds`."""
    select = f'{_answered(SERVED)},le="{float(seconds)}"'
    fast = f"{BY_SERVER} ({_rate(f'{contract.METRIC_HTTP_DURATION}_bucket', select)})"
    return f"{recorded('tool', 'calls')}{{{OF_REGISTRY}}} - {fast}"


def durations() -> str:
    """Buckets per second of all tool calls, whatever their result, per tool."""
    by = f"sum by (namespace, {contract.LABEL_SERVER}, {contract.LABEL_TOOL}, le)"
    return f"{by} (rate({contract.METRIC_OPERATION_DURATION}_bucket{{{selectors.CALL_METHOD}}}[1m]))"


def server_durations() -> str:
    """The recorded buckets, over all tools of each server."""
    return f"sum without ({contract.LABEL_TOOL}) ({DURATIONS})"


def seconds() -> str:
    """Seconds of work per second, per tool."""
    return f"{BY_TOOL} ({_rate(f'{contract.METRIC_OPERATION_DURATION}_sum', selectors.CALL_METHOD)})"


def usage() -> str:
    """Tool calls per second, per organization and tool."""
    by = f"sum by (namespace, {contract.LABEL_SERVER}, {contract.LABEL_ORGANIZATION}, {contract.LABEL_TOOL})"
    return f"{by} (rate({contract.METRIC_ORG_REQUESTS}[{RATE_WINDOW}]))"


def tokens() -> str:
    """Tokens per second, per server, model and type."""
    by = f"sum by (namespace, {contract.LABEL_SERVER}, model, token_type)"
    return f"{by} (rate({contract.METRIC_LLM_TOKENS}[{RATE_WINDOW}]))"


def protocol() -> str:
    """Operations per second, per server, method and protocol version."""
    by = f"sum by (namespace, {contract.LABEL_SERVER}, {contract.LABEL_METHOD}, {contract.LABEL_PROTOCOL})"
    return f"{by} (rate({contract.METRIC_OPERATION_DURATION}_count[{RATE_WINDOW}]))"


def releases() -> str:
    """Replicas per server, version and release."""
    by = f"count by (namespace, {contract.LABEL_SERVER}, {contract.LABEL_VERSION}, {contract.LABEL_RELEASE})"
    return f"{by} ({contract.METRIC_INFO})"


def of_server(what: str) -> str:
    """A recorded rate, over all tools of each server."""
    return f"sum without ({contract.LABEL_TOOL}) ({recorded('tool', what)})"


def share(level: str, bad: str, window: str) -> str:
    """Share of `bad`, 0..1, over `window`; absent without traffic."""
    if window == RATE_WINDOW:
        return f"{recorded(level, bad)} / ({recorded(level, GOOD_AND_BAD[bad])} > 0)"
    every = f"sum_over_time({recorded(level, GOOD_AND_BAD[bad])}[{window}])"
    return f"sum_over_time({recorded(level, bad)}[{window}]) / ({every} > 0)"


GOOD_AND_BAD: Final = {"errors": "operations", "slow_calls": "calls"}
"""What is bad -> what it is a share of."""


def budget(level: str, bad: str, matchers: str, allowed: float) -> str:
    """The share `allowed`, for every server or tool that has traffic and fits `matchers`."""
    return f"0 * {recorded(level, GOOD_AND_BAD[bad])}{{{matchers}}} + {allowed:.6g}"


def budget_left(bad: str, window: str) -> str:
    """Part of a server's budget that `window` has left."""
    return f"1 - ({share('server', bad, window)}) / {budget_name('server', bad)}"


def burning(level: str, bad: str, windows: tuple[str, str], factor: float, min_calls: float) -> selectors.PromQL:
    """Share over the first window, where it is over `factor` budgets in both and at least `min_calls` were made."""
    long, short = (share_name(level, bad, window) for window in windows)
    too_much = f"{factor:g} * {budget_name(level, bad)}"
    made = f"sum_over_time({recorded(level, GOOD_AND_BAD[bad])}[{windows[0]}]) * {STEP_SECONDS}"
    return selectors.PromQL(f"{long} > {too_much} and {short} > {too_much} and {made} >= {min_calls:g}")


def _answered(pattern: str) -> str:
    return f'{OF_REGISTRY},http_response_status_code=~"{pattern}"'


def _rate(series: str, select: str) -> str:
    return f"rate({series}{{{select}}}[{RATE_WINDOW}])"
