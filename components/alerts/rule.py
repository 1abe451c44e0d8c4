"""Prometheus alerting rules of an alert: record, scope of the stack and settings in, rules out."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from meshed_mcp import contract
from meshed_mcp.components.alerts import record
from meshed_mcp.components.alerts.record import Alert, Component, Scope
from meshed_mcp.components.alerts.settings import UNCHANGED, AlertSettings, for_seconds

DASHBOARDS: Final = {
    Component.SERVER: "mcp-services",
    Component.TOOL: "mcp-services",
    Component.REGISTRY: "mcp-registry",
    Component.POD: "mcp-performance",
    Component.MONITORING: "mcp-monitoring",
    Component.CAPACITY: "mcp-capacity",
    Component.MESH: "mcp-mesh",
    Component.COST: "mcp-cost",
    Component.AUTOSCALING: "mcp-autoscaling",
}
"""Component of an alert -> uid of its dashboard in `observability/dashboards`, which a test compares."""

SECONDS_PER: Final = {"h": 3600, "m": 60, "s": 1}

Rule = dict[str, Any]


class Links(NamedTuple):
    """Where the annotations `runbook_url` and `dashboard_url` lead."""

    runbooks_url: str
    grafana_url: str | None = None
    """None = no link to a dashboard."""


def alert_rules(
    alert: Alert, scope: Scope, links: Links, settings: Mapping[str, AlertSettings] | None = None
) -> Iterator[Rule]:
    """The rules of one alert: none if it is disabled, one per burn rate if it has some."""
    changes = (settings or {}).get(alert.name, UNCHANGED)
    if not changes.enabled:
        return
    if alert.threshold and not alert.threshold.stack_key:
        default = alert.threshold.default
        scope = scope._replace(threshold=default if changes.threshold is None else changes.threshold)
    for burn_rate in alert.burn_rates or (None,):
        yield rule(alert, scope._replace(burn_rate=burn_rate), links, changes)


def rule(alert: Alert, scope: Scope, links: Links, changes: AlertSettings) -> Rule:
    """One alerting rule. Source: Prometheus, "Alerting rules"."""
    timing = scope.burn_rate or alert
    seconds = for_seconds(changes)
    severity = (changes.severity or timing.severity).value
    window = {"window": scope.burn_rate.long} if scope.burn_rate else {}
    return {
        "alert": alert.name,
        "expr": alert.expression(scope),
        "for": duration(timing.for_seconds if seconds is None else seconds),
        "labels": {"severity": severity, "component": alert.component.value, **scope.labels, **window},
        "annotations": {
            "summary": filled(alert.summary, alert, scope),
            "description": filled(alert.description, alert, scope),
            "runbook_url": f"{links.runbooks_url}/{alert.name}.md",
            **dashboard_link(alert, links),
        },
    }


def filled(text: str, alert: Alert, scope: Scope) -> str:
    """A text of a record with the values of its tokens."""
    values = {record.NAMESPACE: scope.namespace, record.NAME: scope.name}
    if alert.threshold:
        values[record.THRESHOLD] = record.threshold_text(alert.threshold, scope.threshold)
    if burn := scope.burn_rate:
        values |= {record.LONG_WINDOW: burn.long, record.SHORT_WINDOW: burn.short, record.FACTOR: f"{burn.factor:g}"}
    for token, value in values.items():
        text = text.replace(token, value)
    return text


def dashboard_link(alert: Alert, links: Links) -> dict[str, str]:
    """The annotation `dashboard_url`, with the alert's server chosen where the dashboard has one."""
    if links.grafana_url is None:
        return {}
    chosen = f"?var-namespace={{{{ $labels.namespace }}}}&var-server={{{{ $labels.{contract.LABEL_SERVER} }}}}"
    variables = "" if alert.component is Component.AUTOSCALING else chosen
    return {"dashboard_url": f"{links.grafana_url}/d/{DASHBOARDS[alert.component]}{variables}"}


def duration(seconds: int) -> str:
    """`seconds` as a Prometheus duration in the largest unit that divides it: 90 -> "90s", 300 -> "5m"."""
    unit = next(unit for unit, size in SECONDS_PER.items() if (seconds and seconds % size == 0) or size == 1)
    return f"{seconds // SECONDS_PER[unit]}{unit}"
