"""The PrometheusRule with the alerts that ObservabilityStack renders."""

from typing import Final

from meshed_mcp.components.alerts import rule
from meshed_mcp.components.alerts.catalog import OBSERVABILITY_ALERTS
from meshed_mcp.components.alerts.platform import COST, MESH
from meshed_mcp.components.alerts.record import Scope
from meshed_mcp.components.alerts.rule import Links
from meshed_mcp.components.core.manifest import Manifest, prometheus_rule
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.existing import installed
from meshed_mcp.components.observability.grafana.values import grafana_url
from meshed_mcp.components.observability.prometheus.recording_rules import group

ALERTS: Final = "mcp-alerts"
"""Name of the PrometheusRule."""

INTERVAL: Final = "30s"


def alert_rules(args: ObservabilityStackArgs) -> Manifest:
    """The PrometheusRule with every alert that the stack has not disabled."""
    links = Links(args.runbooks_url, grafana_address(args))
    scoped = [(alert, Scope(args.namespace)) for alert in OBSERVABILITY_ALERTS if alert.name not in absent(args)]
    if args.monthly_cost_budget is not None:
        scoped.append((COST, Scope(args.namespace, args.monthly_cost_budget)))
    rules = (each for alert, scope in scoped for each in rule.alert_rules(alert, scope, links, args.alerts))
    return prometheus_rule(ALERTS, args.namespace, [group(ALERTS, INTERVAL, rules)])


PARTS: Final = {
    "prometheus": ("PrometheusRemoteWriteBehind",),
    "grafana": ("GrafanaDown",),
    "jaeger": (
        "OTelCollectorQueueFull",
        "OTelCollectorRefusing",
        "OTelSpansUndelivered",
        "JaegerStorageErrors",
        "TailSamplingDroppedTooEarly",
    ),
}
"""Part -> alerts on it, which only a part that the stack installs and scrapes has."""

VOLUMES: Final = "MCPPVCWillFill"
"""Alert on the volumes of monitoring."""


def absent(args: ObservabilityStackArgs) -> set[str]:
    """Names of alerts on what the stack neither installs nor scrapes."""
    existing = [part for part in PARTS if not installed(getattr(args, part))]
    found = {name for part in existing for name in PARTS[part]}
    found |= {VOLUMES} if len(existing) == len(PARTS) else set()
    return found | (set() if args.mesh else {alert.name for alert in MESH})


def grafana_address(args: ObservabilityStackArgs) -> str | None:
    """Address of Grafana for links in alerts: `url` of the stack, else the address in the cluster, if it is known."""
    return args.grafana.url or grafana_url(args)
