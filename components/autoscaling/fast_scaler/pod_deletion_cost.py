"""Which replica goes first: a rule that records what each costs in sessions, and a process that marks them with it.

Kubernetes would take the youngest, which is as likely full of sessions as empty. Pure functions: arguments in,
Kubernetes objects out. Not here: the PromQL (`promql/autoscaling.py`), the process
(`agents/autoscaler/pod_deletion_cost.py`) and its pods (`agent_deployment.py`).
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs, ScalingTarget
from meshed_mcp.components.autoscaling.fast_scaler.agent_deployment import Helper, objects
from meshed_mcp.components.autoscaling.fast_scaler.pod_deletion_cost_args import DeletionCostSettings
from meshed_mcp.components.autoscaling.forecast.rules import Rule
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.promql import autoscaling, selectors

NAME: Final = "mcp-deletion-cost"
"""Name of everything it has."""

MODULE: Final = "meshed_mcp.agents.autoscaler.pod_deletion_cost"
INTERVAL: Final = "15s"
"""How often the rule is evaluated: as often as the process asks, and the HPA decides."""


def marked(args: AutoscalingPolicyArgs) -> dict[str, ScalingTarget]:
    """Targets that count sessions: replicas of the others are alike."""
    if args.deletion_cost is None:
        return {}
    return {name: item for name, item in args.targets.items() if item.scales and item.sessions_per_replica}


def manifests(args: AutoscalingPolicyArgs) -> list[Manifest]:
    """Everything it has; nothing where the stack wants none, or no target counts sessions."""
    if args.deletion_cost is None or not marked(args):
        return []
    return [rules(args, args.deletion_cost), *objects(helper(args, args.deletion_cost), args.namespace)]


def rules(args: AutoscalingPolicyArgs, settings: DeletionCostSettings) -> Manifest:
    """The rule of every target."""
    costs = [recorded(name, target, args, settings) for name, target in marked(args).items()]
    groups = [{"name": NAME, "interval": INTERVAL, "rules": costs}]
    return manifest("monitoring.coreos.com/v1", "PrometheusRule", metadata(NAME, args.namespace), {"groups": groups})


def recorded(name: str, target: ScalingTarget, args: AutoscalingPolicyArgs, settings: DeletionCostSettings) -> Rule:
    """What each replica of a target costs."""
    pods = selectors.selector(args.namespace, target.service or name, version=target.version)
    step = max(1, (target.sessions_per_replica or 1) // settings.steps)
    return {"record": autoscaling.POD_DELETION_COST, "expr": autoscaling.pod_deletion_cost(pods, step)}


def helper(args: AutoscalingPolicyArgs, settings: DeletionCostSettings) -> Helper:
    """The process. Names of pods are not known beforehand, so it may patch any of the namespace, and nothing else.

    One is enough: without it, the order is Kubernetes' own.
    """
    right = {"apiGroups": [""], "resources": ["pods"], "verbs": ["patch"]}
    environment = {
        contract.ENV_PROMETHEUS_URL: args.prometheus_url,
        contract.ENV_DELETION_QUERY: autoscaling.pod_deletion_costs(args.namespace),
    }
    return Helper(NAME, MODULE, settings.image, environment, 1, right)
