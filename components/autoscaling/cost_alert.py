"""The alert on a service whose replicas cost more than its monthly budget. Arguments in, rules out.

`infra/validation/budgets.py` lowers `max_replicas` to the budget when the stack is deployed; the alert sees replicas
beyond that: sizes set by hand and raised minimums. Not here: prices and requests (`cost.py`), the cost of all pods at
OpenCost's prices (`alerts/monitoring.py`).
"""

from collections.abc import Iterator
from typing import Final

from meshed_mcp.components.alerts.autoscaling import SERVICE_BUDGET
from meshed_mcp.components.alerts.record import Scope
from meshed_mcp.components.alerts.rule import Links, Rule, alert_rules
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs

GROUP: Final = "mcp-spend"


def groups(args: AutoscalingPolicyArgs, links: Links) -> list[Rule]:
    """The alert for every target with a budget and a price."""
    rules = [rule for scope in scopes(args) for rule in alert_rules(SERVICE_BUDGET, scope, links, args.alerts)]
    return [{"name": GROUP, "rules": rules}] if rules else []


def scopes(args: AutoscalingPolicyArgs) -> Iterator[Scope]:
    """Namespace, budget, Deployment and price of every target that has a budget and a price."""
    for name, target in args.targets.items():
        if target.monthly_budget and target.replica_month_cost:
            yield Scope(
                args.namespace,
                target.monthly_budget,
                servers=(target.deployment or name,),
                name=name,
                replica_month_cost=target.replica_month_cost,
                labels={"namespace": args.namespace},
            )
