"""Alerts as a table: what is wrong, since when, how bad, what it says, where to look. Arguments in, rules out.

Not here: expressions (`core/alert_queries.py`, `core/sli_queries.py`), routes (`alert_routing.py`). Each alert has a
page docs/runbooks/<name>.md.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from meshed_mcp import contract
from meshed_mcp.components.core import alert_queries as wrong
from meshed_mcp.components.core import sli_queries as sli
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.dashboards.records import Page
from meshed_mcp.components.observability.grafana_values import GRAFANA_PORT, GRAFANA_SERVICE
from meshed_mcp.components.observability.rules import Rule, group, prometheus_rule
from meshed_mcp.components.observability.slo import BURNS, MIN_CALLS, TOOL_BURNS, Burn

ALERTS: Final = "mcp-alerts"
"""Name of the PrometheusRule."""

SERVER: Final = f"{{{{ $labels.{contract.LABEL_SERVER} }}}} in {{{{ $labels.namespace }}}}"
TOOL: Final = f"{{{{ $labels.{contract.LABEL_TOOL} }}}} of {SERVER}"
POD: Final = f"{{{{ $labels.pod }}}} ({SERVER})"
NUMBER: Final = '{{ $value | printf "%.0f" }}'
PERCENT: Final = "{{ $value | humanizePercentage }}"
"""How a summary names its object and its number. Source: Prometheus, "Template reference"."""

REGISTRY: Final = f'{contract.LABEL_SERVER}="{contract.REGISTRY_NAME}"'
NO_REGISTRY: Final = f'{contract.LABEL_SERVER}!="{contract.REGISTRY_NAME}"'
PAGES: Final = {
    "server": Page.SERVICES,
    "tool": Page.SERVICES,
    "registry": Page.REGISTRY,
    "pod": Page.PERFORMANCE,
    "monitoring": Page.MONITORING,
}
"""Component of an alert -> the dashboard that shows it."""


class Alert(NamedTuple):
    """One rule; several of one name differ in their windows and share a page."""

    name: str
    expression: str
    hold: str
    severity: str
    component: str
    summary: str
    description: str
    window: str = ""
    """Longer window of a burn, as a label: rules of one name need one that differs."""


def alert_rules(args: ObservabilityStackArgs) -> Manifest:
    """The PrometheusRule with every alert."""
    every = [*availability(), *service_levels(), *load(), *pods(), *monitoring(args)]
    return prometheus_rule(ALERTS, args.namespace, [group("mcp-alerts", "30s", (rule(alert, args) for alert in every))])


def rule(alert: Alert, args: ObservabilityStackArgs) -> Rule:
    """One alerting rule, with the addresses of its page and its dashboard."""
    grafana = args.grafana.url or f"http://{GRAFANA_SERVICE}.{args.namespace}.svc:{GRAFANA_PORT}"
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
            "dashboard_url": f"{grafana}/d/{PAGES[alert.component].value}{chosen}",
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
        yield burn_alert("MCPServerErrorBudgetBurn", "server", "errors", burn)
        yield burn_alert("MCPServerLatencyBudgetBurn", "server", "slow_calls", burn)
    for burn in TOOL_BURNS:
        yield burn_alert("MCPToolErrorRate", "tool", "errors", burn)
        yield burn_alert("MCPToolLatencyBudgetBurn", "tool", "slow_calls", burn)


def burn_alert(name: str, level: str, bad: str, burn: Burn) -> Alert:
    """The alert of one budget and one pair of windows."""
    expression = sli.burning(level, bad, (burn.long, burn.short), burn.factor, MIN_CALLS)
    if level == "tool":
        expression = f'({expression}) and {sli.share_name(level, bad, burn.long)}{{{contract.LABEL_TOOL}!=""}}'
    happened = {"errors": "fail", "slow_calls": "are too slow"}[bad]
    of = {"server": f"the operations of {SERVER}", "tool": f"the calls of {TOOL}"}[level]
    return Alert(
        name,
        expression,
        burn.hold,
        burn.severity,
        level,
        f"{PERCENT} of {of} {happened}",
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
