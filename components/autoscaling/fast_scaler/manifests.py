"""The fast scaler: a rule that records the need, a process that acts on it and on the load, rights, an alert.

Pure functions: arguments in, Kubernetes objects out. Not here: the PromQL (`promql/fast_scaler.py`), the services that
are asked about live (`live_query.py`), the process (`agents/autoscaler/fast_scaler.py`) and its pods
(`agent_deployment.py`), the triggers that let KEDA act at once (`autoscaling/keda/scaled_object.py`).
"""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.alerts.autoscaling import FAST_SCALER
from meshed_mcp.components.alerts.record import Scope
from meshed_mcp.components.alerts.rule import alert_rules
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs, FastScalerSettings, KedaInstall, ScalingTarget
from meshed_mcp.components.autoscaling.fast_scaler import live_query
from meshed_mcp.components.autoscaling.fast_scaler.agent_deployment import Helper, objects
from meshed_mcp.components.autoscaling.forecast.rules import Rule, links
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.promql import fast_scaler, selectors

AGENT_NAME: Final = "mcp-fast-scaler"
"""Name of everything the fast scaler has."""

MODULE: Final = "meshed_mcp.agents.autoscaler.fast_scaler"
INTERVAL: Final = f"{fast_scaler.RULE_SECONDS}s"
RULES_PER_GROUP: Final = 100
"""Rules of a group run one after the other, groups side by side."""


def eligible_targets(args: AutoscalingPolicyArgs) -> dict[str, ScalingTarget]:
    """Targets whose minimum the fast scaler raises: those that count calls; these have a minimum of 1 or more."""
    if args.keda.fast_scaler is None or args.keda.install is KedaInstall.NONE:
        return {}
    return {name: item for name, item in args.targets.items() if item.scales and item.in_flight_per_replica is not None}


def fast_scaler_manifests(args: AutoscalingPolicyArgs) -> list[Manifest]:
    """Everything of the fast scaler; nothing where the stack wants none, or no target counts calls."""
    if args.keda.fast_scaler is None or not eligible_targets(args):
        return []
    return [rules(args), *objects(helper(args, args.keda.fast_scaler), args.namespace)]


def rules(args: AutoscalingPolicyArgs) -> Manifest:
    """The rule that records how many replicas the load needs, and the alert on a fast scaler that is down.

    The load is the sum without the correction of `held_in_flight`: pods that report nothing never raise a minimum.
    """
    needs = [needed(name, target, args) for name, target in eligible_targets(args).items()]
    groups: list[Rule] = [
        {
            "name": f"{AGENT_NAME}-{start // RULES_PER_GROUP}",
            "interval": INTERVAL,
            "rules": needs[start:][:RULES_PER_GROUP],
        }
        for start in range(0, len(needs), RULES_PER_GROUP)
    ]
    if alerts := down(args):
        groups.append({"name": f"{AGENT_NAME}-alerts", "rules": alerts})
    return manifest(
        "monitoring.coreos.com/v1", "PrometheusRule", metadata(AGENT_NAME, args.namespace), {"groups": groups}
    )


def needed(name: str, target: ScalingTarget, args: AutoscalingPolicyArgs) -> Rule:
    """Replicas that a target's load needed since the last evaluation."""
    pods = selectors.selector(args.namespace, target.service or name, version=target.version)
    each = target.in_flight_per_replica or 1
    load = fast_scaler.peak_load(selectors.in_flight(pods))
    return {
        "record": fast_scaler.NEEDED,
        "labels": {"namespace": args.namespace, contract.LABEL_SCALED_OBJECT: name},
        "expr": fast_scaler.needed_replicas(load, each, target.min_replicas, target.max_replicas),
    }


def down(args: AutoscalingPolicyArgs) -> list[Rule]:
    """The alert on a fast scaler that is down; none if the stack disables it."""
    scope = Scope(args.namespace, labels={"namespace": args.namespace})
    return list(alert_rules(FAST_SCALER, scope, links(args), args.alerts))


def helper(args: AutoscalingPolicyArgs, settings: FastScalerSettings) -> Helper:
    """The process; its query, and with it bounds and hold, come from the stack. It may patch what it pulls."""
    right = {"apiGroups": ["keda.sh"], "resources": ["scaledobjects"], "verbs": ["patch"]}
    live = [part.text for part in live_query.parts(eligible_targets(args), args.namespace)]
    environment = {
        contract.ENV_PROMETHEUS_URL: args.prometheus_url,
        contract.ENV_FAST_SCALER_QUERY: fast_scaler.minimum_replicas(args.namespace, settings.hold_seconds, live),
    }
    named = {**right, "resourceNames": sorted(eligible_targets(args))}
    return Helper(AGENT_NAME, MODULE, settings.image, environment, settings.replicas, named)
