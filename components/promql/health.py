"""PromQL of health: remaining error budgets, burn rates, firing alerts, and live values of each server.

The `live_*` functions read the replicas' own series: for a few replicas, without recording rules.
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.promql import selectors, sidecar, sli
from meshed_mcp.components.promql.selectors import BY_SERVER

ALL_SERVERS: Final = f'{contract.LABEL_SERVER}!=""'

WATCHDOG: Final = "Watchdog"
"""Alert that always fires. Source: kube-prometheus-stack, rule group general.rules."""

FIRING: Final = 'alertstate="firing"'
"""Source: Prometheus, "Alerting rules", the series ALERTS."""

FIRING_ALERTS: Final = f'sum by (alertname, severity) (ALERTS{{{FIRING},severity=~"critical|warning"}})'
"""Number of firing alerts, per name and severity, without the watchdog and severity info."""

WATCHDOG_AGE: Final = f'time() - max(max_over_time(timestamp(ALERTS{{alertname="{WATCHDOG}",{FIRING}}})[1h:30s]))'
"""Seconds since the watchdog last fired, within the last hour; absent after that."""

LIVE_BURN_WINDOW: Final = "1h"
"""The shortest long window of the burn-rate alerts."""

OPERATIONS: Final = f"{contract.METRIC_OPERATION_DURATION}_count"


def budget_remaining(bad: str, select: str) -> str:
    """Remaining ratio of a server's error budget for `bad` (errors, slow_calls); below 0 it is overspent."""
    return f"{sli.budget_remaining_name(bad)}{{{select}}}"


def burn_rate(bad: str, window: str, select: str) -> str:
    """Burn rate of a server's error budget for `bad` over `window`, which must be a recorded one."""
    return f"{sli.ratio_name('server', bad, window)}{{{select}}} / {sli.budget_name('server', bad)}{{{select}}}"


def live_call_rate(window: str) -> str:
    """Completed tool calls per second; of a server without the runtime, its responses."""
    calls = f"sum {BY_SERVER} (rate({OPERATIONS}{{{selectors.CALL_METHOD}}}[{window}]))"
    return f"{calls} or {sidecar.completed_rate(ALL_SERVERS, window)}"


def live_p99_seconds(window: str) -> str:
    """99th percentile of the duration of tool calls, seconds."""
    buckets = f"{contract.METRIC_OPERATION_DURATION}_bucket{{{selectors.CALL_METHOD}}}"
    by = f"by (namespace, {contract.LABEL_SERVER}, le)"
    durations = f"sum {by} (rate({buckets}[{window}])) or {sidecar.duration_rate(ALL_SERVERS, window)}"
    return f"histogram_quantile(0.99, {durations})"


def live_error_ratio(window: str) -> str:
    """Ratio of operations that failed with a server error, 0..1; absent if idle."""
    total = f"sum {BY_SERVER} (rate({OPERATIONS}{{{sli.NO_CLIENT_ERRORS}}}[{window}]))"
    failed = f'sum {BY_SERVER} (rate({OPERATIONS}{{{contract.LABEL_ERROR}!="",{sli.NO_CLIENT_ERRORS}}}[{window}]))'
    every = f"({total} or {sidecar.response_rate(sidecar.COUNTED, window)})"
    bad = f"{failed} or {sidecar.response_rate(sidecar.FAILED, window)}"
    return f"({bad} or 0 * {every}) / ({every} > 0)"


def live_burn_rate() -> str:
    """Burn rate of the error budget over LIVE_BURN_WINDOW, as rules recorded it."""
    return burn_rate("errors", LIVE_BURN_WINDOW, ALL_SERVERS)
