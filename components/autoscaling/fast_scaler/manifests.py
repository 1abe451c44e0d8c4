"""Objects of the fast scaler: the rule that records needed replicas, the agent and its alert.

The PromQL is in `promql/fast_scaler.py`, the agent in `agents/autoscaler/fast_scaler.py`, the triggers that let KEDA
act at once in `autoscaling/keda/scaled_object.py`.
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.alerts.autoscaling import FAST_SCALER
from meshed_mcp.components.alerts.record import Scope
from meshed_mcp.components.alerts.rule import alert_rules
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs, FastScalerSettings, ScalingTarget
from meshed_mcp.components.autoscaling.fast_scaler import live_query
from meshed_mcp.components.autoscaling.fast_scaler.agent_deployment import AutoscalerAgent, agent_manifests
from meshed_mcp.components.autoscaling.forecast.rules import Rule, links
from meshed_mcp.components.core.charts import OptionalInstall
from meshed_mcp.components.core.manifest import Manifest, prometheus_rule
from meshed_mcp.components.promql import fast_scaler, load, selectors

AGENT_NAME: Final = "mcp-fast-scaler"
MODULE: Final = "meshed_mcp.agents.autoscaler.fast_scaler"
INTERVAL: Final = f"{fast_scaler.RULE_SECONDS}s"
RULES_PER_GROUP: Final = 100
"""Prometheus evaluates the rules of a group in sequence and groups in parallel."""


def eligible_targets(args: AutoscalingPolicyArgs) -> dict[str, ScalingTarget]:
    """Targets whose minimum the fast scaler raises: those that scale on in-flight requests, with a minimum of 1."""
    if args.keda.fast_scaler is None or args.keda.install is OptionalInstall.NONE:
        return {}
    return {name: item for name, item in args.targets.items() if item.scales and item.in_flight_per_replica is not None}


def fast_scaler_manifests(args: AutoscalingPolicyArgs) -> list[Manifest]:
    """All objects of the fast scaler; none if it is unset or has no eligible target."""
    if args.keda.fast_scaler is None or not eligible_targets(args):
        return []
    return [rules(args), *agent_manifests(fast_scaler_agent(args, args.keda.fast_scaler), args.namespace)]


def rules(args: AutoscalingPolicyArgs) -> Manifest:
    """Recording rules of the needed replicas, and the alert on a fast scaler that is down.

    The load is the sum without the correction of `held_in_flight`: pods without data never raise a minimum.
    """
    needs = [needed(name, target, args) for name, target in eligible_targets(args).items()]
    chunks = [needs[start:][:RULES_PER_GROUP] for start in range(0, len(needs), RULES_PER_GROUP)]
    groups: list[Rule] = [
        {"name": f"{AGENT_NAME}-{number}", "interval": INTERVAL, "rules": chunk} for number, chunk in enumerate(chunks)
    ]
    scope = Scope(args.namespace, labels={"namespace": args.namespace})
    if alerts := list(alert_rules(FAST_SCALER, scope, links(args), args.alerts)):
        groups.append({"name": f"{AGENT_NAME}-alerts", "rules": alerts})
    return prometheus_rule(AGENT_NAME, args.namespace, groups)


def needed(name: str, target: ScalingTarget, args: AutoscalingPolicyArgs) -> Rule:
    """Recording rule of the replicas that a target's load needed since the last evaluation."""
    pods = selectors.selector(args.namespace, target.service or name, version=target.version)
    each = target.in_flight_per_replica or 1
    peak = fast_scaler.peak_load(load.in_flight(has_runtime=target.has_runtime).total(pods))
    return {
        "record": fast_scaler.NEEDED,
        "labels": {"namespace": args.namespace, contract.LABEL_SCALED_OBJECT: name},
        "expr": fast_scaler.needed_replicas(peak, each, target.min_replicas, target.max_replicas),
    }


def fast_scaler_agent(args: AutoscalingPolicyArgs, settings: FastScalerSettings) -> AutoscalerAgent:
    """The agent. It may patch the eligible ScaledObjects only; its query contains bounds and hold of the stack."""
    targets = eligible_targets(args)
    live = [part.text for part in live_query.parts(targets, args.namespace)]
    environment = {
        contract.ENV_PROMETHEUS_URL: args.prometheus_url,
        contract.ENV_FAST_SCALER_QUERY: fast_scaler.minimum_replicas(args.namespace, settings.hold_seconds, live),
    }
    rule = {"apiGroups": ["keda.sh"], "resources": ["scaledobjects"], "verbs": ["patch"]}
    named = {**rule, "resourceNames": sorted(targets)}
    return AutoscalerAgent(AGENT_NAME, MODULE, settings.image, environment, settings.replicas, named, settings)
