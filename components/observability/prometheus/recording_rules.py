"""The PrometheusRule with the recording rules of service levels, load, dashboards and usage."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.components.alerts.burn_rate import BURN_RATES, TOOL_BURN_RATES
from meshed_mcp.components.core.manifest import Manifest, prometheus_rule
from meshed_mcp.components.observability.prometheus.slo import (
    BUDGET_DAYS,
    Objective,
    SloSettings,
    objective_of,
    server_scopes,
    tool_scopes,
)
from meshed_mcp.components.promql import capacity, cost, load, sli
from meshed_mcp.components.promql import mesh as mesh_queries

SERVICE_LEVELS: Final = "mcp-service-levels"
"""Name of the PrometheusRule."""

INTERVALS: Final = {"5m": "30s", "30m": "30s", "1h": "30s", "2h": "1m", "6h": "1m", "1d": "5m", "3d": "5m"}
"""Window -> evaluation interval of its ratios: longer windows change slower and cost more."""

DASHBOARD_SECONDS: Final = 30
"""Evaluation interval of the rules for dashboards. They read every histogram of every pod: with a thousand pods, 15 s
would keep Prometheus busy for a quarter of the time."""

DASHBOARD_RULES: Final = {**sli.CALL_RULES, cost.POD_COST: cost.pod_cost()}
MESH_RULES: Final = mesh_queries.RULES
"""Series over all pods for dashboards, whose queries then read thousands of series, not hundreds of thousands. Usage
and inventory are a group of their own, which Prometheus evaluates in parallel."""

LONGEST_INTERVAL: Final = "5m"

Rule = dict[str, Any]


def recording_rules(settings: SloSettings, retention_days: int, namespace: str, *, mesh: bool = True) -> Manifest:
    """The PrometheusRule that records load, rates, ratios and error budgets; with a mesh, its requests too."""
    pages = DASHBOARD_RULES | (MESH_RULES if mesh else {})
    window = f"{min(BUDGET_DAYS, retention_days)}d"
    budgets = {sli.budget_remaining_name(bad): sli.budget_remaining(bad, window) for bad in sli.TOTALS}
    groups = [
        group("mcp-load", f"{load.LOAD_SECONDS}s", recorded(load.RULES)),
        group("mcp-rates", f"{sli.STEP_SECONDS}s", rate_rules(settings)),
        *(group(f"mcp-shares-{every}", every, ratio_rules(every)) for every in sorted(set(INTERVALS.values()))),
        group("mcp-pages", f"{DASHBOARD_SECONDS}s", recorded(pages)),
        group("mcp-usage", f"{DASHBOARD_SECONDS}s", recorded({**sli.USAGE_RULES, **capacity.RULES})),
        group("mcp-budgets", LONGEST_INTERVAL, recorded(budgets)),
    ]
    return prometheus_rule(SERVICE_LEVELS, namespace, groups)


def group(name: str, interval: str, rules: Iterable[Rule]) -> Rule:
    """A rule group: rules that Prometheus evaluates in order, every `interval`."""
    return {"name": name, "interval": interval, "rules": list(rules)}


def record(name: str, *expressions: str) -> Rule:
    """One recording rule of the union of `expressions`; two rules with one name are a lint error."""
    return {"record": name, "expr": " or ".join(expressions)}


def recorded(expressions: Mapping[str, str]) -> list[Rule]:
    """A recording rule of each series and its expression."""
    return [record(name, expression) for name, expression in expressions.items()]


def rate_rules(settings: SloSettings) -> Iterator[Rule]:
    """Rates per tool and per server, and error budgets; each rule reads only earlier ones."""
    for what, expressions in sli.rates().items():
        yield record(sli.rate_name("tool", what), *expressions)
    slow = [sli.slow_calls(scope.matchers, scope.objective.latency_seconds) for scope in tool_scopes(settings)]
    slow += [sli.slow_responses(scope.matchers, scope.objective.latency_seconds) for scope in server_scopes(settings)]
    registry = sli.registry_slow_requests(objective_of(contract.REGISTRY_NAME, settings).latency_seconds)
    yield record(sli.rate_name("tool", "slow_calls"), *slow, registry)
    for what in ("operations", "errors", "calls", "slow_calls"):
        yield record(sli.rate_name("server", what), sli.server_rate(what))
    for level, scopes in (("server", server_scopes), ("tool", tool_scopes)):
        for bad in sli.TOTALS:
            budgets = [
                sli.budget(level, bad, scope.matchers, allowed_ratio(bad, scope.objective))
                for scope in scopes(settings)
            ]
            yield record(sli.budget_name(level, bad), *budgets)


def allowed_ratio(bad: str, objective: Objective) -> float:
    """Ratio of calls, 0..1, that may be `bad`."""
    percent = {"errors": objective.availability_percent, "slow_calls": objective.latency_percent}[bad]
    return 1 - percent / 100


def ratio_rules(interval: str) -> Iterator[Rule]:
    """Ratios over the windows with this evaluation interval, of servers and of tools that an alert reads."""
    for level, burns in (("server", BURN_RATES), ("tool", TOOL_BURN_RATES)):
        used = {window for burn in burns for window in (burn.long, burn.short)}
        for window in INTERVALS:
            if window in used and INTERVALS[window] == interval:
                for bad in sli.TOTALS:
                    yield record(sli.ratio_name(level, bad, window), sli.ratio(level, bad, window))
