"""PrometheusRules of monitoring: service levels recorded, and the alerts. Arguments in, objects out.

Not here: expressions (`promql/sli.py`), objectives (`slo.py`), the alerts (`alert_rules.py`).
"""

from collections.abc import Iterator
from typing import Any, Final

from meshed_mcp import contract
from meshed_mcp.components.alerts.burn_rate import BURN_RATES, TOOL_BURN_RATES
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata, standard_labels
from meshed_mcp.components.observability.prometheus.slo import (
    BUDGET_DAYS,
    Objective,
    SloSettings,
    objective_of,
    server_scopes,
    tool_scopes,
)
from meshed_mcp.components.promql import capacity, cost, load, mesh, sli

SERVICE_LEVELS: Final = "mcp-service-levels"
"""Name of the PrometheusRule of what is recorded."""

INTERVALS: Final = {"5m": "30s", "30m": "30s", "1h": "30s", "2h": "1m", "6h": "1m", "1d": "5m", "3d": "5m"}
"""Window -> how often its shares are recorded: the longer it is, the slower it moves and the more it costs."""

PAGES_SECONDS: Final = 30
"""How often is recorded what pages draw. It reads every histogram of every pod: at a thousand pods each 15 s would keep
Prometheus busy for a quarter of the time."""

LONGEST_INTERVAL: Final = "5m"

Rule = dict[str, Any]


def service_levels(settings: SloSettings, retention_days: int, namespace: str) -> Manifest:
    """The PrometheusRule that records rates, shares, budgets and what is left of them."""
    days = min(BUDGET_DAYS, retention_days)
    groups = [
        group("mcp-load", f"{load.LOAD_SECONDS}s", loads()),
        group("mcp-rates", f"{sli.STEP_SECONDS}s", rates(settings)),
        *(group(f"mcp-shares-{every}", every, shares(every)) for every in sorted(set(INTERVALS.values()))),
        group("mcp-pages", f"{PAGES_SECONDS}s", pages()),
        group("mcp-usage", f"{PAGES_SECONDS}s", usage()),
        group("mcp-budgets", LONGEST_INTERVAL, budgets_left(f"{days}d")),
    ]
    return prometheus_rule(SERVICE_LEVELS, namespace, groups)


def prometheus_rule(name: str, namespace: str, groups: list[Rule]) -> Manifest:
    """One PrometheusRule; the stack's Prometheus takes those of every namespace."""
    meta = metadata(name, namespace, labels=standard_labels(name))
    return manifest("monitoring.coreos.com/v1", "PrometheusRule", meta, {"groups": groups})


def group(name: str, interval: str, rules: Iterator[Rule]) -> Rule:
    """Rules that are evaluated one after the other, each `interval`."""
    return {"name": name, "interval": interval, "rules": list(rules)}


def record(name: str, *expressions: str) -> Rule:
    """One recording rule of series that come from one of `expressions` each; two rules of one name are a lint error."""
    return {"record": name, "expr": " or ".join(expressions)}


def rates(settings: SloSettings) -> Iterator[Rule]:
    """Per tool from the pods, per server from the tools, and the budgets; each reads only what stands before it."""
    yield record(sli.recorded("tool", "operations"), sli.operations(), sli.registry_requests())
    yield record(sli.recorded("tool", "errors"), sli.errors(), sli.registry_errors())
    yield record(sli.recorded("tool", "calls"), sli.calls(), sli.registry_requests())
    slow = [sli.slow_calls(scope.matchers, scope.objective.latency_seconds) for scope in tool_scopes(settings)]
    of_registry = sli.registry_slow(objective_of(contract.REGISTRY_NAME, settings).latency_seconds)
    yield record(sli.recorded("tool", "slow_calls"), *slow, of_registry)
    for what in ("operations", "errors", "calls", "slow_calls"):
        yield record(sli.recorded("server", what), sli.of_server(what))
    for level, scopes in (("server", server_scopes), ("tool", tool_scopes)):
        for bad in sli.GOOD_AND_BAD:
            budgets = [
                sli.budget(level, bad, scope.matchers, allowed(bad, scope.objective)) for scope in scopes(settings)
            ]
            yield record(sli.budget_name(level, bad), *budgets)


def loads() -> Iterator[Rule]:
    """Load of every server, as often as its pods are scraped."""
    yield record(load.IN_FLIGHT, load.in_flight())
    yield record(load.WAITING, load.waiting())
    yield record(load.BUSY, load.busy_places())
    yield record(load.ANSWERING, load.answering())
    yield record(load.SESSIONS, load.sessions())


def allowed(bad: str, objective: Objective) -> float:
    """Share of calls, 0..1, that may be `bad`."""
    percent = {"errors": objective.availability_percent, "slow_calls": objective.latency_percent}[bad]
    return 1 - percent / 100


def pages() -> Iterator[Rule]:
    """What pages draw of all pods: a query of a page reads thousands of series then, not hundreds of thousands."""
    yield record(sli.DURATIONS, sli.durations())
    yield record(sli.SERVER_DURATIONS, sli.server_durations())
    yield record(sli.SECONDS, sli.seconds())
    yield record(cost.POD_COST, cost.pod_cost())
    yield record(mesh.REQUESTS, mesh.recorded_requests())
    yield record(mesh.DURATIONS, mesh.recorded_durations())


def usage() -> Iterator[Rule]:
    """The same, of who uses what and of what there is: a group apart, which is evaluated beside the other."""
    yield record(sli.USAGE, sli.usage())
    yield record(sli.TOKENS, sli.tokens())
    yield record(sli.PROTOCOL, sli.protocol())
    yield record(sli.RELEASES, sli.releases())
    yield record(capacity.REQUESTED, capacity.recorded_requests())


def shares(interval: str) -> Iterator[Rule]:
    """Shares over the windows that are recorded each `interval`, of servers and, where an alert asks, of tools."""
    for level, burns in (("server", BURN_RATES), ("tool", TOOL_BURN_RATES)):
        used = {window for burn in burns for window in (burn.long, burn.short)}
        for window in INTERVALS:
            if window in used and INTERVALS[window] == interval:
                for bad in sli.GOOD_AND_BAD:
                    yield record(sli.share_name(level, bad, window), sli.share(level, bad, window))


def budgets_left(window: str) -> Iterator[Rule]:
    """What is left of each server's two budgets."""
    for bad in sli.GOOD_AND_BAD:
        yield record(sli.budget_left_name(bad), sli.budget_left(bad, window))
