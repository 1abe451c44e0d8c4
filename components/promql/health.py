"""PromQL of health: error budgets left, burn rates, firing alerts, the watchdog.

In: selectors (`queries.selector`). Out: PromQL text. Not here: the expressions of alerts (`alerts.py`), recorded
service levels (`sli.py`).
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.promql import sli

EVERY_SERVER: Final = f'{contract.LABEL_SERVER}!=""'

WATCHDOG: Final = "Watchdog"
"""Alert that always fires. Source: kube-prometheus-stack, rule group general.rules."""

FIRING: Final = 'alertstate="firing"'
"""Source: Prometheus, "Alerting rules", the series ALERTS."""


def budget_left(bad: str, select: str) -> str:
    """Ratio of a server's error budget for `bad` (errors, slow_calls) that is left; below 0 it is overspent."""
    return f"{sli.budget_left_name(bad)}{{{select}}}"


def burned(bad: str, window: str, select: str) -> str:
    """Burn rate of a server's error budget for `bad` over `window`, which must be a recorded one."""
    return f"{sli.share_name('server', bad, window)}{{{select}}} / {sli.budget_name('server', bad)}{{{select}}}"


def firing_alerts() -> str:
    """Number of firing alerts, per name and severity, without the watchdog and severity info."""
    return f'sum by (alertname, severity) (ALERTS{{{FIRING},severity=~"critical|warning"}})'


def watchdog_age() -> str:
    """Seconds since the watchdog last fired, within the last hour; absent after that."""
    seen = f'timestamp(ALERTS{{alertname="{WATCHDOG}",{FIRING}}})'
    return f"time() - max(max_over_time({seen}[1h:30s]))"
