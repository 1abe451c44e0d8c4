"""The PrometheusRule with the alerts that ObservabilityStack renders."""

from typing import Final

from meshed_mcp.components.alerts import rule
from meshed_mcp.components.alerts.catalog import OBSERVABILITY_ALERTS
from meshed_mcp.components.alerts.platform import COST
from meshed_mcp.components.alerts.record import Scope
from meshed_mcp.components.alerts.rule import Links
from meshed_mcp.components.core.manifest import Manifest, prometheus_rule
from meshed_mcp.components.core.scraping import GRAFANA_PORT, GRAFANA_SERVICE
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.prometheus.recording_rules import group

ALERTS: Final = "mcp-alerts"
"""Name of the PrometheusRule."""

INTERVAL: Final = "30s"


def alert_rules(args: ObservabilityStackArgs) -> Manifest:
    """The PrometheusRule with every alert that the stack has not disabled."""
    links = Links(args.runbooks_url, grafana_address(args))
    scoped = [(alert, Scope(args.namespace)) for alert in OBSERVABILITY_ALERTS]
    if args.monthly_cost_budget is not None:
        scoped.append((COST, Scope(args.namespace, args.monthly_cost_budget)))
    rules = (each for alert, scope in scoped for each in rule.alert_rules(alert, scope, links, args.alerts))
    return prometheus_rule(ALERTS, args.namespace, [group(ALERTS, INTERVAL, rules)])


def grafana_address(args: ObservabilityStackArgs) -> str:
    """Address of Grafana for links in alerts: `url` of the stack, else the address in the cluster."""
    return args.grafana.url or f"http://{GRAFANA_SERVICE}.{args.namespace}.svc:{GRAFANA_PORT}"
