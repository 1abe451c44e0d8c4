"""Multi-window burn-rate alerts on the SLOs of servers, tools and the registry, gated on minimum traffic.

Objectives are `observability/prometheus/slo.py`; the recorded series are `promql/sli.py`.
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.alerts.record import (
    FACTOR,
    LONG_WINDOW,
    MAX_COUNT,
    PERCENT,
    SERVER,
    SHORT_WINDOW,
    TOOL,
    Alert,
    BurnRate,
    Component,
    Scope,
    Severity,
    Threshold,
)
from meshed_mcp.components.promql import sli
from meshed_mcp.components.promql.selectors import PromQL

BURN_RATES: Final = (
    BurnRate("1h", "5m", 14.4, 120, Severity.CRITICAL),
    BurnRate("6h", "30m", 6, 900, Severity.CRITICAL),
    BurnRate("1d", "2h", 3, 3600, Severity.WARNING),
    BurnRate("3d", "6h", 1, 10_800, Severity.WARNING),
)
"""2% of a 30-day error budget in an hour, 5% in six hours, 10% in a day and in three. Source: Google SRE Workbook,
"Alerting on SLOs", table 5-8; factors, windows and `for` as in kubernetes-mixin."""

TOOL_BURN_RATES: Final = tuple(each._replace(severity=Severity.WARNING) for each in BURN_RATES[:2])
"""Short windows only, so that a thousand tools stay cheap; warning, because one tool is not the service."""

MIN_OPERATIONS: Final = Threshold(default=100, unit="operations in the long window", minimum=1, maximum=MAX_COUNT)
"""Below it a ratio fires no alert: one failure among fewer operations exceeds any budget."""

SERIES_SELECTORS: Final = {
    Component.SERVER: sli.NOT_REGISTRY,
    Component.REGISTRY: sli.IS_REGISTRY,
    Component.TOOL: f'{sli.NOT_REGISTRY},{contract.LABEL_TOOL}!=""',
}
"""Component of an alert -> matchers of its series; the registry is recorded as a server."""

OBJECTS: Final = {
    Component.SERVER: f"the operations of {SERVER}",
    Component.TOOL: f"the calls of {TOOL}",
    Component.REGISTRY: f"the requests to {SERVER}",
}
VERBS: Final = {"errors": "fail", "slow_calls": "are too slow"}


def burn_rate_alert(name: str, component: Component, bad: str, burn_rates: tuple[BurnRate, ...] = BURN_RATES) -> Alert:
    """The alert on the error budget for `bad`: errors or slow_calls."""

    def expression(scope: Scope) -> PromQL:
        burn = scope.burn_rate or burn_rates[0]
        level = "tool" if component is Component.TOOL else "server"
        burning = sli.burn_rate_exceeded(level, bad, (burn.long, burn.short), burn.factor, scope.threshold)
        return PromQL(f"({burning}) and {sli.ratio_name(level, bad, burn.long)}{{{SERIES_SELECTORS[component]}}}")

    return Alert(
        name=name,
        expression=expression,
        component=component,
        summary=f"{PERCENT} of {OBJECTS[component]} {VERBS[bad]}",
        description=f"Over {LONG_WINDOW} and {SHORT_WINDOW} this is more than {FACTOR} times the error budget.",
        threshold=MIN_OPERATIONS,
        burn_rates=burn_rates,
    )


BURN_RATE_ALERTS: Final = (
    burn_rate_alert("MCPServerErrorBudgetBurn", Component.SERVER, "errors"),
    burn_rate_alert("MCPServerLatencyBudgetBurn", Component.SERVER, "slow_calls"),
    burn_rate_alert("MCPRegistryErrorBudgetBurn", Component.REGISTRY, "errors"),
    burn_rate_alert("MCPRegistryLatencyBudgetBurn", Component.REGISTRY, "slow_calls"),
    burn_rate_alert("MCPToolErrorRate", Component.TOOL, "errors", TOOL_BURN_RATES),
    burn_rate_alert("MCPToolLatencyBudgetBurn", Component.TOOL, "slow_calls", TOOL_BURN_RATES),
)
