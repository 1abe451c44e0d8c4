"""KEDA ScaledObjects: one per service, with plain triggers of which the largest answer wins.

Pure functions: settings in, Kubernetes objects out. Not here: the query (`core/queries.py`), KEDA (`keda_values.py`).
`pollingInterval` and `cooldownPeriod` are left out: with a minimum of 1 or more they have no effect.
"""

from typing import Final

from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs, ScaleDown, ScaleUp, ScalingTarget
from meshed_mcp.components.core import queries
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata

FAILURES_BEFORE_FALLBACK: Final = 3
"""Failed queries in a row until the fallback counts: 34 to 45 s at the HPA's 15 s (measured)."""


def manifests(args: AutoscalingPolicyArgs) -> list[Manifest]:
    """A ScaledObject for every target, in the order of the targets."""
    return [scaled_object(name, target, args) for name, target in args.targets.items()]


def scaled_object(service: str, target: ScalingTarget, args: AutoscalingPolicyArgs) -> Manifest:
    """The ScaledObject of `service`."""
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target.deployment or service},
        "minReplicaCount": target.min_replicas,
        "maxReplicaCount": target.max_replicas,
        "fallback": fallback(target),
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": behavior(target.scale_up, target.scale_down)}},
        "triggers": [load_trigger(service, target, args), *cpu_triggers(target)],
    }
    return manifest("keda.sh/v1alpha1", "ScaledObject", metadata(service, args.namespace), spec)


def load_trigger(service: str, target: ScalingTarget, args: AutoscalingPolicyArgs) -> Manifest:
    """Calls in work and waiting, divided among the replicas.

    The HPA asks live at every sync; cached answers would be up to 30 s old and hold partial sums. An empty answer is an
    error, not a zero: a lost scrape would otherwise scale to the minimum within 15 s.
    """
    return {
        "type": "prometheus",
        "name": "in-flight",
        "metricType": "AverageValue",
        "useCachedMetrics": False,
        "metadata": {
            "serverAddress": args.prometheus_url,
            "query": queries.held_in_flight(queries.selector(args.namespace, service)),
            "threshold": str(target.in_flight_per_replica),
            "ignoreNullValues": "false",
        },
    }


def cpu_triggers(target: ScalingTarget) -> list[Manifest]:
    """CPU of the server's own container, % of its request; none where CPU does not count."""
    if target.cpu_percent is None:
        return []
    measure = {"value": str(target.cpu_percent), "containerName": target.container}
    return [{"type": "cpu", "name": "cpu", "metricType": "Utilization", "metadata": measure}]


def fallback(target: ScalingTarget) -> Manifest:
    """The size while Prometheus does not answer. KEDA's default behaviour `static` would shrink 40 replicas to it."""
    replicas = target.fallback_replicas or target.min_replicas
    return {
        "failureThreshold": FAILURES_BEFORE_FALLBACK,
        "replicas": replicas,
        "behavior": "currentReplicasIfHigher",
    }


def behavior(up: ScaleUp, down: ScaleDown) -> Manifest:
    """How fast the HPA adds and removes replicas."""
    return {
        "scaleUp": {
            "stabilizationWindowSeconds": up.stabilization_seconds,
            "tolerance": f"{up.tolerance_percent / 100:.2f}",
            "policies": [{"type": "Percent", "value": up.percent, "periodSeconds": up.period_seconds}],
        },
        "scaleDown": {
            "stabilizationWindowSeconds": down.stabilization_seconds,
            "policies": [{"type": "Percent", "value": down.percent, "periodSeconds": down.period_seconds}],
        },
    }
