"""Objects of pod deletion costs: the rule that records the sessions of each replica, and the agent that annotates them.

Without them Kubernetes removes the youngest replica first. The PromQL is in `promql/autoscaling.py`, the agent in
`agents/autoscaler/pod_deletion_cost.py`.
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs, DeletionCostSettings, ScalingTarget
from meshed_mcp.components.autoscaling.fast_scaler.agent_deployment import AutoscalerAgent, agent_manifests
from meshed_mcp.components.autoscaling.forecast.rules import Rule
from meshed_mcp.components.core.manifest import Manifest, prometheus_rule
from meshed_mcp.components.promql import autoscaling, selectors

NAME: Final = "mcp-deletion-cost"
MODULE: Final = "meshed_mcp.agents.autoscaler.pod_deletion_cost"
INTERVAL: Final = "15s"
"""Evaluation interval of the rule: that of the agent and of the HPA."""


def pod_deletion_cost_manifests(args: AutoscalingPolicyArgs) -> list[Manifest]:
    """All objects; none if deletion costs are unset or no target scales on sessions."""
    settings = args.deletion_cost
    targets = {name: item for name, item in args.targets.items() if item.scales and item.sessions_per_replica}
    if settings is None or not targets:
        return []
    costs = [pod_deletion_cost_rule(name, target, args, settings) for name, target in targets.items()]
    rules = prometheus_rule(NAME, args.namespace, [{"name": NAME, "interval": INTERVAL, "rules": costs}])
    return [rules, *agent_manifests(deletion_cost_agent(args, settings), args.namespace)]


def pod_deletion_cost_rule(
    name: str, target: ScalingTarget, args: AutoscalingPolicyArgs, settings: DeletionCostSettings
) -> Rule:
    """Recording rule of the deletion cost of each replica of a target."""
    pods = selectors.selector(args.namespace, target.service or name, version=target.version)
    step = max(1, (target.sessions_per_replica or 1) // settings.steps)
    return {"record": autoscaling.POD_DELETION_COST, "expr": autoscaling.pod_deletion_cost(pods, step)}


def deletion_cost_agent(args: AutoscalingPolicyArgs, settings: DeletionCostSettings) -> AutoscalerAgent:
    """The agent. Pod names are unknown beforehand, so it may patch any pod of the namespace.

    One replica suffices: without it Kubernetes' own order applies.
    """
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["patch"]}
    environment = {
        contract.ENV_PROMETHEUS_URL: args.prometheus_url,
        contract.ENV_DELETION_QUERY: autoscaling.pod_deletion_costs(args.namespace),
    }
    return AutoscalerAgent(NAME, MODULE, settings.image, environment, 1, rule, settings)
