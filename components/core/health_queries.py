"""PromQL of what is well and what is not: replicas that answer, budgets left, alerts that fire, the watchdog.

In: selectors (`queries.selector`). Out: PromQL text. Not here: the alerts' own expressions (`alert_queries.py`), what
is recorded of service levels (`sli_queries.py`).
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core import sli_queries as sli

EVERY_SERVER: Final = f'{contract.LABEL_SERVER}!=""'

WATCHDOG: Final = "Watchdog"
"""Alert that always fires. Source: kube-prometheus-stack, rule group general.rules."""

FIRING: Final = 'alertstate="firing"'
"""Source: Prometheus, "Alerting rules", the series ALERTS."""


def budget_left(bad: str, select: str) -> str:
    """Part of its budget for `bad` (errors, slow_calls) that a server has left; below 0 it is overspent."""
    return f"{sli.budget_left_name(bad)}{{{select}}}"


def burned(bad: str, window: str, select: str) -> str:
    """How many times faster than allowed a server's budget for `bad` burned over `window`, one that is recorded."""
    return f"{sli.share_name('server', bad, window)}{{{select}}} / {sli.budget_name('server', bad)}{{{select}}}"


def firing_alerts() -> str:
    """Number of alerts that fire, per name and severity; not the watchdog nor what only informs."""
    return f'sum by (alertname, severity) (ALERTS{{{FIRING},severity=~"critical|warning"}})'


def watchdog_age() -> str:
    """Seconds since the watchdog was last seen firing, within the last hour; absent after that."""
    seen = f'timestamp(ALERTS{{alertname="{WATCHDOG}",{FIRING}}})'
    return f"time() - max(max_over_time({seen}[1h:30s]))"
