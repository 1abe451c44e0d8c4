"""Generator of docs/reference/alerts.md (`make golden`) from the alert records."""

import re
from collections.abc import Iterator
from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.alerts.burn_rate import BURN_RATES, TOOL_BURN_RATES
from meshed_mcp.components.alerts.catalog import CATALOG
from meshed_mcp.components.alerts.record import Alert, Component, Scope
from meshed_mcp.components.alerts.rule import Links, alert_rules, duration
from meshed_mcp.components.alerts.settings import LONGEST_FOR_DAYS

HEADER: Final = f"""# Alerts

Generated from the records in `components/alerts` by `make golden`; do not edit. Each name links to its runbook.

A stack changes an alert with the key `alerts` of [`meshed-mcp:observability`](stack-file.md#alertsettings). Importers
pass the same as the argument `alerts` of `ObservabilityStack` and `AutoscalingPolicy`:

```yaml
config:
  meshed-mcp:observability:
    alerts:
      MCPServerDown: {{for: 5m}}
      MCPLabelOverflow: {{enabled: false}}
      MCPServerSaturated: {{threshold: 0.95, severity: critical}}
```

- `for`: a Prometheus duration, `0s` to `{LONGEST_FOR_DAYS}d`. `severity`: `critical`, `warning` or `info`.
- `threshold`: a number in the unit and range of the table. Where the table names another key, set that key.
- Burn-rate alerts (a `for` per [window](#burn-rates)) follow the [objectives](../how-to/alerts.md). Their windows,
  factors and `for` are fixed. `threshold` is the minimum number of operations in the long window; `severity` and
  `enabled` apply to all windows.
"""

TITLES: Final = {
    Component.SERVER: "Servers",
    Component.TOOL: "Tools",
    Component.REGISTRY: "Registry",
    Component.POD: "Pods",
    Component.MESH: "Mesh",
    Component.AUTOSCALING: "Autoscaling",
    Component.CAPACITY: "Capacity",
    Component.COST: "Cost",
    Component.MONITORING: "Monitoring",
}

SHOWN: Final = {
    contract.LABEL_SERVER: "server",
    contract.LABEL_TOOL: "tool",
    "destination_workload": "workload",
    "destination_workload_namespace": "namespace",
    "horizontalpodautoscaler": "HPA",
    "persistentvolumeclaim": "PVC",
}
"""Label -> its name in a summary; other labels keep theirs."""

EXAMPLE: Final = Scope("*namespace*", 0, servers=("server",), name="*name*", replica_month_cost=1)
"""Placeholders for values of a stack."""


def page() -> str:
    """The whole page."""
    return "\n".join([HEADER, *(line for component in TITLES for line in table(component)), *windows()])


def table(component: Component) -> Iterator[str]:
    """The alerts on one component."""
    yield f"## {TITLES[component]}\n"
    yield "| alert | severity | for | threshold | summary |"
    yield "| --- | --- | --- | --- | --- |"
    for alert in CATALOG.values():
        if alert.component is component:
            yield row(alert)
    yield ""


def row(alert: Alert) -> str:
    """One alert; a burn-rate alert has a severity and a `for` per window."""
    rules = list(alert_rules(alert, EXAMPLE, Links("../runbooks")))
    notes = rules[0]["annotations"]
    cells = (
        f"[{alert.name}]({notes['runbook_url']})",
        ", ".join(dict.fromkeys(rule["labels"]["severity"] for rule in rules)),
        ", ".join(rule["for"] for rule in rules),
        threshold(alert),
        summary(alert, notes["summary"]),
    )
    return f"| {' | '.join(cells)} |"


def windows() -> Iterator[str]:
    """The windows of the burn-rate alerts."""
    yield "## Burn rates\n"
    yield "| long window | short window | factor | for | severity | severity of the tools' alerts |"
    yield "| --- | --- | --- | --- | --- | --- |"
    of_tools = {burn.long: burn.severity.value for burn in TOOL_BURN_RATES}
    for burn in BURN_RATES:
        severities = f"{burn.severity.value} | {of_tools.get(burn.long, 'none')}"
        yield f"| {burn.long} | {burn.short} | {burn.factor:g} | {duration(burn.for_seconds)} | {severities} |"
    yield ""


def threshold(alert: Alert) -> str:
    """Default, unit and range of the threshold, or the key that sets it."""
    if alert.threshold is None:
        return "none"
    if alert.threshold.stack_key:
        return f"`{alert.threshold.stack_key}`"
    known = alert.threshold
    return f"{known.default:g} {known.unit} ({known.allowed})"


def summary(alert: Alert, text: str) -> str:
    """A summary with names instead of template actions and values of a stack."""
    if alert.threshold and alert.threshold.stack_key:
        text = re.sub(r"(above|budget of) \S+.*$", r"\1 *threshold*", text)
    text = re.sub(r"{{ \$labels\.(\w+) }}", lambda found: f"*{SHOWN.get(found[1], found[1])}*", text)
    return re.sub(r"{{ \$value .*?}}", "*value*", text)
