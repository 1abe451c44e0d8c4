"""PromQL of service levels: recorded rates of operations and calls, ratios over a window, remaining error budgets.

The rules read every pod's series once, over RATE_WINDOW; longer windows sum the recorded rates, so that their cost
depends on the number of tools and not of pods. Names of recorded series are `level:metric:operation`. Servers without
the runtime are judged by HTTP, like the registry: a failed tool call in a response of status 200 is no error.
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.promql import selectors, sidecar

RATE_WINDOW: Final = "5m"
STEP_SECONDS: Final = 15
"""Interval of the recorded rates: a sum of them times this is a number of calls."""

BY_TOOL: Final = f"sum by (namespace, {contract.LABEL_SERVER}, {contract.LABEL_TOOL})"
BY_SERVER: Final = f"sum {selectors.BY_SERVER}"
IS_REGISTRY: Final = f'{contract.LABEL_SERVER}="{contract.REGISTRY_NAME}"'
NOT_REGISTRY: Final = f'{contract.LABEL_SERVER}!="{contract.REGISTRY_NAME}"'

NO_CLIENT_ERRORS: Final = f'{contract.LABEL_ERROR}!~"{"|".join(selectors.CLIENT_ERRORS)}"'
COMPLETED: Final = (
    f'{contract.LABEL_ERROR}!~"{"|".join(code for code in selectors.CLIENT_ERRORS if code != "cancelled")}"'
)
"""Calls whose duration counts; includes cancelled calls, which may be the only sign of a slow server."""

DURATIONS: Final = "tool:mcp_call_duration_bucket:rate1m"
"""Recorded buckets of all tool calls per second, per tool, for dashboards."""

SERVER_DURATIONS: Final = "server:mcp_call_duration_bucket:rate1m"
"""Recorded buckets of all tool calls per second, per server; of a server without the runtime, of all its responses."""

SECONDS: Final = "tool:mcp_call_seconds:rate5m"
"""Recorded seconds of work per second, per tool."""

USAGE: Final = "tool:mcp_org_requests:rate5m"
"""Recorded tool calls per second, per organization and tool."""

TOKENS: Final = "server:mcp_llm_tokens:rate5m"
"""Recorded tokens of models per second, per server, model and type."""

OPERATIONS_BY_PROTOCOL: Final = "server:mcp_operations_by_protocol:rate5m"
"""Recorded operations per second, per server, method and protocol version, client errors included."""

REPLICAS_BY_RELEASE: Final = "server:mcp_replicas:count"
"""Recorded replicas, per server, version and release."""

CALL_RULES: Final = {
    DURATIONS: f"sum by (namespace, {contract.LABEL_SERVER}, {contract.LABEL_TOOL}, le) "
    f"(rate({contract.METRIC_OPERATION_DURATION}_bucket{{{selectors.CALL_METHOD}}}[1m]))",
    SERVER_DURATIONS: f"sum without ({contract.LABEL_TOOL}) ({DURATIONS}) or "
    + sidecar.duration_rate(sidecar.IS_SERVER, "1m"),
    SECONDS: f"{BY_TOOL} (rate({contract.METRIC_OPERATION_DURATION}_sum{{{selectors.CALL_METHOD}}}[{RATE_WINDOW}]))",
}
USAGE_RULES: Final = {
    USAGE: f"sum by (namespace, {contract.LABEL_SERVER}, {contract.LABEL_ORGANIZATION}, {contract.LABEL_TOOL}) "
    f"(rate({contract.METRIC_ORG_REQUESTS}[{RATE_WINDOW}]))",
    TOKENS: f"sum by (namespace, {contract.LABEL_SERVER}, model, token_type) "
    f"(rate({contract.METRIC_LLM_TOKENS}[{RATE_WINDOW}]))",
    OPERATIONS_BY_PROTOCOL: f"sum by (namespace, {contract.LABEL_SERVER}, {contract.LABEL_METHOD}, "
    f"{contract.LABEL_PROTOCOL}) (rate({contract.METRIC_OPERATION_DURATION}_count[{RATE_WINDOW}]))",
    REPLICAS_BY_RELEASE: f"count by (namespace, {contract.LABEL_SERVER}, {contract.LABEL_VERSION}, "
    f"{contract.LABEL_RELEASE}) ({contract.METRIC_INFO})",
}
"""Recorded series of dashboards -> its expression."""

COUNTED_STATUSES: Final = "[235].."
"""HTTP statuses of requests that count; 4xx are client errors."""


def rate_name(level: str, what: str) -> str:
    """Name of a recorded rate per second; `level`: tool or server, `what`: operations, errors, calls, slow_calls."""
    return f"{level}:mcp_{what}:rate{RATE_WINDOW}"


def ratio_name(level: str, bad: str, window: str) -> str:
    """Name of the recorded ratio of `bad` (errors, slow_calls) over `window`."""
    return f"{level}:mcp_{bad}:ratio_rate{window}"


def budget_name(level: str, bad: str) -> str:
    """Name of the recorded ratio that the objective allows."""
    return f"{level}:mcp_{bad}_budget:ratio"


def budget_remaining_name(bad: str) -> str:
    """Name of the recorded remaining ratio of a server's budget: 1 is all, 0 none, below 0 overspent."""
    return f"server:mcp_{bad}_budget_left:ratio"


def slow_calls(matchers: str, seconds: float) -> str:
    """Tool calls per second that took longer than `seconds`, a bucket bound of the histogram."""
    select = f'{selectors.CALL_METHOD},{COMPLETED},{matchers},le="{float(seconds)}"'
    fast = f"{BY_TOOL} ({_rate(f'{contract.METRIC_OPERATION_DURATION}_bucket', select)})"
    return f"{rate_name('tool', 'calls')}{{{NOT_REGISTRY},{matchers}}} - {fast}"


def slow_responses(matchers: str, seconds: float) -> str:
    """Responses per second of servers without the runtime that took longer than `seconds`, a bucket bound."""
    return f"{rate_name('tool', 'calls')}{{{matchers}}} - {sidecar.fast_rate(matchers, seconds, RATE_WINDOW)}"


def registry_slow_requests(seconds: float) -> str:
    """Requests per second to the registry that took longer than `seconds`."""
    select = f'{_registry_status(COUNTED_STATUSES)},le="{float(seconds)}"'
    fast = f"{BY_SERVER} ({_rate(f'{contract.METRIC_HTTP_DURATION}_bucket', select)})"
    return f"{rate_name('tool', 'calls')}{{{IS_REGISTRY}}} - {fast}"


def rates() -> dict[str, tuple[str, ...]]:
    """Rate -> its expressions per second: of the tools of servers, of servers without the runtime, of the registry.

    Operations are without client errors, calls those whose duration counts; the tool is empty for other methods.
    Errors are 0 where none failed, so that sums over time stay comparable. A sidecar's durations have no status.
    """
    counted, requests = f"{contract.METRIC_OPERATION_DURATION}_count", f"{contract.METRIC_HTTP_DURATION}_count"
    answered = f"{BY_SERVER} ({_rate(requests, _registry_status(COUNTED_STATUSES))})"
    zero = f"0 * {rate_name('tool', 'operations')}"
    failed = f'{contract.LABEL_ERROR}!="",{NO_CLIENT_ERRORS}'
    responses, failures = (sidecar.response_rate(which, RATE_WINDOW) for which in (sidecar.COUNTED, sidecar.FAILED))
    return {
        "operations": (f"{BY_TOOL} ({_rate(counted, NO_CLIENT_ERRORS)})", responses, answered),
        "errors": (
            f"{BY_TOOL} ({_rate(counted, failed)}) or {failures} or {zero}{{{NOT_REGISTRY}}}",
            f"{BY_SERVER} ({_rate(requests, _registry_status('5..'))}) or {zero}{{{IS_REGISTRY}}}",
        ),
        "calls": (
            f"{BY_TOOL} ({_rate(counted, f'{selectors.CALL_METHOD},{COMPLETED}')})",
            sidecar.completed_rate(sidecar.IS_SERVER, RATE_WINDOW),
            answered,
        ),
    }


def server_rate(what: str) -> str:
    """Sum of a recorded rate over the tools of each server."""
    return f"sum without ({contract.LABEL_TOOL}) ({rate_name('tool', what)})"


def ratio(level: str, bad: str, window: str) -> str:
    """Ratio of `bad`, 0..1, over `window`; absent without traffic."""
    if window == RATE_WINDOW:
        return f"{rate_name(level, bad)} / ({rate_name(level, TOTALS[bad])} > 0)"
    total = f"sum_over_time({rate_name(level, TOTALS[bad])}[{window}])"
    return f"sum_over_time({rate_name(level, bad)}[{window}]) / ({total} > 0)"


TOTALS: Final = {"errors": "operations", "slow_calls": "calls"}
"""Kind of bad event -> the events that its ratio is of."""


def budget(level: str, bad: str, matchers: str, allowed: float) -> str:
    """The ratio `allowed`, for every server or tool that has traffic and that `matchers` select."""
    return f"0 * {rate_name(level, TOTALS[bad])}{{{matchers}}} + {allowed:.6g}"


def budget_remaining(bad: str, window: str) -> str:
    """Remaining ratio of a server's error budget over `window`."""
    return f"1 - ({ratio('server', bad, window)}) / {budget_name('server', bad)}"


def burn_rate_exceeded(
    level: str, bad: str, windows: tuple[str, str], factor: float, min_calls: float
) -> selectors.PromQL:
    """Ratio over the long window, where it is above `factor` budgets in both windows and `min_calls` were made."""
    long, short = (ratio_name(level, bad, window) for window in windows)
    limit = f"{factor:g} * {budget_name(level, bad)}"
    count = f"sum_over_time({rate_name(level, TOTALS[bad])}[{windows[0]}]) * {STEP_SECONDS}"
    return selectors.PromQL(f"{long} > {limit} and {short} > {limit} and {count} >= {min_calls:g}")


def _registry_status(pattern: str) -> str:
    return f'{IS_REGISTRY},http_response_status_code=~"{pattern}"'


def _rate(series: str, select: str) -> str:
    return f"rate({series}{{{select}}}[{RATE_WINDOW}])"
