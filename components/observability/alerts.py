"""Alerts as a table: what is wrong, since when, how bad, what it says, where to look. Arguments in, rules out.

Not here: expressions (`core/alert_queries.py`, `core/sli_queries.py`), routes (`alert_routing.py`). Each alert has a
page docs/runbooks/<name>.md.
"""

from collections.abc import Iterator
from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.core import alert_queries as wrong
from meshed_mcp.components.core import cost_queries as cost
from meshed_mcp.components.core import sli_queries as sli
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.observability.alert import NUMBER, PERCENT, POD, SERVER, TOOL, Alert
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.control_plane_alerts import control_plane_alerts
from meshed_mcp.components.observability.dashboards.records import Page
from meshed_mcp.components.observability.grafana_values import GRAFANA_PORT, GRAFANA_SERVICE
from meshed_mcp.components.observability.limit_alerts import limit_alerts, volumes
from meshed_mcp.components.observability.rules import Rule, group, prometheus_rule
from meshed_mcp.components.observability.slo import BURNS, MIN_CALLS, TOOL_BURNS, Burn
from meshed_mcp.components.observability.tracing_alerts import tracing_alerts

ALERTS: Final = "mcp-alerts"
"""Name of the PrometheusRule."""

REGISTRY: Final = f'{contract.LABEL_SERVER}="{contract.REGISTRY_NAME}"'
NO_REGISTRY: Final = f'{contract.LABEL_SERVER}!="{contract.REGISTRY_NAME}"'
MEANT: Final = {"server": NO_REGISTRY, "registry": REGISTRY, "tool": f'{NO_REGISTRY},{contract.LABEL_TOOL}!=""'}
"""Component of a burn -> the series it is about."""

PAGES: Final = {
    "server": Page.SERVICES,
    "tool": Page.SERVICES,
    "registry": Page.REGISTRY,
    "pod": Page.PERFORMANCE,
    "monitoring": Page.MONITORING,
    "capacity": Page.CAPACITY,
    "mesh": Page.MESH,
    "cost": Page.COST,
}
"""Component of an alert -> the dashboard that shows it."""


def alert_rules(args: ObservabilityStackArgs) -> Manifest:
    """The PrometheusRule with every alert."""
    every = [
        *availability(),
        *registry(),
        *service_levels(),
        *load(),
        *pods(),
        *limit_alerts(),
        *control_plane_alerts(),
        *monitoring(args),
        *budget(args),
    ]
    return prometheus_rule(ALERTS, args.namespace, [group("mcp-alerts", "30s", (rule(alert, args) for alert in every))])


def grafana_address(args: ObservabilityStackArgs) -> str:
    """Where links of alerts lead: what the stack says, else Grafana inside the cluster."""
    return args.grafana.url or f"http://{GRAFANA_SERVICE}.{args.namespace}.svc:{GRAFANA_PORT}"


def rule(alert: Alert, args: ObservabilityStackArgs) -> Rule:
    """One alerting rule, with the addresses of its page and its dashboard."""
    chosen = f"?var-namespace={{{{ $labels.namespace }}}}&var-server={{{{ $labels.{contract.LABEL_SERVER} }}}}"
    window = {"window": alert.window} if alert.window else {}
    return {
        "alert": alert.name,
        "expr": alert.expression,
        "for": alert.hold,
        "labels": {"severity": alert.severity, "component": alert.component, **window},
        "annotations": {
            "summary": alert.summary,
            "description": alert.description,
            "runbook_url": f"{args.runbooks_url}/{alert.name}.md",
            "dashboard_url": f"{grafana_address(args)}/d/{PAGES[alert.component].value}{chosen}",
        },
    }


def availability() -> Iterator[Alert]:
    """Nothing answers."""
    yield Alert(
        "MCPServerDown",
        wrong.unreachable(NO_REGISTRY),
        "1m",
        "critical",
        "server",
        f"None of the {NUMBER} replicas of {SERVER} answers",
        "Prometheus reaches the management port of no pod. Callers get errors from their sidecars.",
    )
    yield Alert(
        "MCPRegistryDown",
        wrong.unreachable(REGISTRY),
        "1m",
        "critical",
        "registry",
        f"None of the {NUMBER} replicas of {SERVER} answers",
        "Clients that know a server's address go on; nobody finds or registers a server.",
    )


def registry() -> Iterator[Alert]:
    """The registry and its database, servers and their leases, replicas among themselves."""
    yield Alert(
        "MCPRegistryDatabaseDown",
        wrong.without_database(),
        "2m",
        "critical",
        "registry",
        f"{NUMBER} replicas of {SERVER} do not reach the database",
        "Lookups and leases fail on these replicas; servers are forgotten when their leases run out.",
    )
    yield Alert(
        "MCPRegistrySyncStale",
        wrong.sync_stale(),
        "1m",
        "warning",
        "registry",
        f"A replica of {SERVER} agreed with its database {NUMBER} s ago",
        "It answers with what it knew then, and forgets no server whose lease ran out.",
    )
    yield Alert(
        "MCPAgentHeartbeatStale",
        wrong.silent_lease(),
        "1m",
        "warning",
        "server",
        f"The registry has not heard of {SERVER} for {NUMBER} s",
        "Its lease has run out: whoever looks it up by name does not find it. Callers that know its address go on.",
    )
    yield Alert(
        "MCPReplicasDisconnected",
        wrong.disconnected(),
        "5m",
        "warning",
        "server",
        f"{NUMBER} replicas of {SERVER} do not hear the others",
        "Changes reach only the listeners of the replica where they happen: clients keep old lists.",
    )


def service_levels() -> Iterator[Alert]:
    """A budget burns too fast. Without traffic enough, nobody is told."""
    for burn in BURNS:
        for kind in ("Server", "Registry"):
            yield burn_alert(f"MCP{kind}ErrorBudgetBurn", kind.lower(), "errors", burn)
            yield burn_alert(f"MCP{kind}LatencyBudgetBurn", kind.lower(), "slow_calls", burn)
    for burn in TOOL_BURNS:
        yield burn_alert("MCPToolErrorRate", "tool", "errors", burn)
        yield burn_alert("MCPToolLatencyBudgetBurn", "tool", "slow_calls", burn)


def burn_alert(name: str, component: str, bad: str, burn: Burn) -> Alert:
    """The alert of one budget and one pair of windows; the registry's is recorded as a server's."""
    level = "tool" if component == "tool" else "server"
    burning = sli.burning(level, bad, (burn.long, burn.short), burn.factor, MIN_CALLS)
    expression = f"({burning}) and {sli.share_name(level, bad, burn.long)}{{{MEANT[component]}}}"
    happened = {"errors": "fail", "slow_calls": "are too slow"}[bad]
    of = {"server": f"the operations of {SERVER}", "tool": f"the calls of {TOOL}", "registry": f"requests to {SERVER}"}
    return Alert(
        name,
        expression,
        burn.hold,
        burn.severity,
        component,
        f"{PERCENT} of {of[component]} {happened}",
        f"Over {burn.long} and {burn.short}, that is more than {burn.factor:g} times what its objective allows.",
        burn.long,
    )


def load() -> Iterator[Alert]:
    """More is asked than is served, or nothing where something is usual."""
    yield Alert(
        "MCPServerQueueGrowing",
        wrong.queued(),
        "5m",
        "warning",
        "server",
        f"At least {NUMBER} calls of {SERVER} wait at every moment",
        "All places of all replicas are taken, and the autoscaler has not caught up in ten minutes.",
    )
    yield Alert(
        "MCPServerNoTraffic",
        wrong.silent(sli.recorded("server", "operations")),
        "10m",
        "info",
        "server",
        f'{SERVER} is asked nothing; a week ago it was {{{{ $value | printf "%.1f" }}}} times per second',
        "Its callers may be down, may have lost the way to it, or have gone.",
    )
    yield Alert(
        "MCPRejectedRequests",
        wrong.refused(),
        "10m",
        "warning",
        "server",
        f"{PERCENT} of the requests to {SERVER} are refused: {{{{ $labels.reason }}}}",
        "They are answered without being executed; operations and their errors do not show them.",
    )
    yield Alert(
        "MCPLabelOverflow",
        wrong.overflown(),
        "0m",
        "info",
        "server",
        f"{NUMBER} unknown values of {{{{ $labels.label }}}} in an hour at {SERVER}",
        "Somebody asks for names that do not exist, or the server has more tools than a metric may show.",
    )


def pods() -> Iterator[Alert]:
    """A pod comes to its limits."""
    yield Alert(
        "MCPPodMemoryNearLimit",
        wrong.memory_near_limit(),
        "10m",
        "warning",
        "pod",
        f"{POD} uses {PERCENT} of its memory limit",
        "Above the limit the kernel ends the process, and its calls with it.",
    )
    yield Alert(
        "MCPPodCPUThrottled",
        wrong.throttled(),
        "15m",
        "warning",
        "pod",
        f"{POD} is held back in {PERCENT} of its CPU periods",
        "It answers late although the node has time to give.",
    )


def monitoring(args: ObservabilityStackArgs) -> Iterator[Alert]:
    """What watches is blind."""
    yield Alert(
        "MCPSpansLost",
        wrong.spans_lost(),
        "10m",
        "warning",
        "monitoring",
        f"{NUMBER} spans of {SERVER} were lost in ten minutes",
        "The collector refuses them or is too slow. Calls go on; their traces have holes.",
    )
    yield Alert(
        "GrafanaDown",
        wrong.gone(args.namespace, GRAFANA_SERVICE),
        "5m",
        "warning",
        "monitoring",
        f"Grafana in {args.namespace} has {NUMBER} jobs without an answering target",
        "Dashboards cannot be seen. Alerts go on: they need Prometheus and Alertmanager alone.",
    )
    yield from volumes(args.namespace)
    yield from tracing_alerts()


def budget(args: ObservabilityStackArgs) -> Iterator[Alert]:
    """All pods cost more than was planned; only where a stack says how much that is."""
    if args.monthly_cost_budget is None:
        return
    yield Alert(
        "MCPCostBudget",
        f"{cost.month()} > {args.monthly_cost_budget:g}",
        "1h",
        "warning",
        "cost",
        f"The pods of all servers cost {NUMBER} a month, more than the budget of {args.monthly_cost_budget:g}",
        "At the prices and the replicas of the last day, in OpenCost's currency. Nothing is scaled down by it.",
    )
