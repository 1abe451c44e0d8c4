"""Alert on a service whose replicas cost more than its budget: replicas times price. Arguments in, rules out.

The maximum is lowered to the budget when the stack is deployed (`infra/budgets.py`); this sees what goes past it: sizes
set by hand, and minimums that were raised. Not here: prices and requests (`cost.py`), the cost of all pods at
OpenCost's prices (`observability/alerts.py`).
"""

from typing import Any, Final

from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs, ScalingTarget
from meshed_mcp.components.core import queries
from meshed_mcp.components.core.manifest import Manifest

GROUP: Final = "mcp-spend"


def overspent(name: str, target: ScalingTarget, namespace: str) -> str:
    """Cost of a month at the mean size of the last day, where it is above the budget."""
    wanted = queries.wanted_replicas(namespace, target.deployment or name)
    return f"avg_over_time({wanted}[1d:5m]) * {target.replica_month_cost:g} > {target.monthly_budget:g}"


def groups(args: AutoscalingPolicyArgs, notes: dict[str, Any]) -> list[Manifest]:
    """An alert for every target with a budget and a price; `notes` are more annotations."""
    priced = {name: item for name, item in args.targets.items() if item.monthly_budget and item.replica_month_cost}
    rules = [alert(name, item, args.namespace, notes) for name, item in priced.items()]
    return [{"name": GROUP, "rules": rules}] if rules else []


def alert(name: str, target: ScalingTarget, namespace: str, notes: dict[str, Any]) -> Manifest:
    """The alert of one target."""
    return {
        "alert": "MCPServiceBudget",
        "expr": overspent(name, target, namespace),
        "for": "1h",
        "labels": {"severity": "warning", "namespace": namespace},
        "annotations": {
            "summary": f'{name} costs {{{{ $value | printf "%.0f" }}}} a month, more than its budget of '
            f"{target.monthly_budget:g}",
            "description": f"Its mean size of the last day, times {target.replica_month_cost:g} for a replica and "
            "month. Nothing is scaled down by it.",
            **notes,
        },
    }
