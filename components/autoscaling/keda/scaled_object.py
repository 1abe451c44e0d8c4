"""KEDA ScaledObjects: one per target, with one trigger per metric; the HPA uses the highest proposed replica count.

The queries are in `promql/`; the alternative without KEDA is `autoscaling/hpa/native.py`.
"""

from typing import Final

from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs, ScalingTarget, Schedule
from meshed_mcp.components.autoscaling.forecast.args import Prediction
from meshed_mcp.components.autoscaling.forecast.rules import prediction
from meshed_mcp.components.autoscaling.hpa.native import behavior, memory_value
from meshed_mcp.components.core.manifest import Manifest, manifest, metadata
from meshed_mcp.components.promql import forecast, load, selectors

OUT_OF_REACH: Final = "1000000000"
"""`activationThreshold` that no load exceeds. KEDA writes a raised minimum itself only while no trigger is active:
0.06 s, against up to 15 s until the HPA's next sync (measured). The HPA scales by the value all the same."""

ZERO_POLLING_SECONDS: Final = 5
"""`pollingInterval` of a queue without replicas; from one replica on the HPA queries and it has no effect."""


def scaled_object(name: str, target: ScalingTarget, args: AutoscalingPolicyArgs) -> Manifest:
    """The ScaledObject of one target. Polling and cooldown have no effect from a minimum of 1 on."""
    cooldown = {"cooldownPeriod": target.scale_down.stabilization_seconds}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target.deployment or name},
        "minReplicaCount": target.min_replicas,
        "maxReplicaCount": target.max_replicas,
        **({} if target.min_replicas > 0 else {"pollingInterval": ZERO_POLLING_SECONDS, **cooldown}),
        **fallback(target),
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": behavior(target.scale_up, target.scale_down)}},
        "triggers": triggers(name, target, args),
    }
    return manifest("keda.sh/v1alpha1", "ScaledObject", metadata(name, args.namespace), spec)


def triggers(name: str, target: ScalingTarget, args: AutoscalingPolicyArgs) -> list[Manifest]:
    """One trigger per metric: in a composite metric, one failing part would no longer stop scale-in."""
    pods = selectors.selector(args.namespace, target.service or name, version=target.version)
    zero = target.min_replicas == 0
    loads = [
        ("in-flight", load.in_flight(has_runtime=target.has_runtime).held(pods), target.in_flight_per_replica),
        ("sessions", selectors.held_sessions(pods), target.sessions_per_replica),
        *([("queue", target.queue.query, target.queue.per_replica)] if target.queue else []),
    ]
    return [
        *(load_trigger(which, query, each, args, zero=zero) for which, query, each in loads if each is not None),
        *forecast_triggers(name, target, args),
        *resource_triggers(target),
        *(cron_trigger(number, schedule) for number, schedule in enumerate(target.schedules)),
    ]


def load_trigger(
    name: str, query: str, per_replica: int, args: AutoscalingPolicyArgs, *, zero: bool = False
) -> Manifest:
    """Prometheus trigger: a query's value divided by the replicas.

    The HPA queries live at every sync; cached values are up to 30 s old and hold partial sums. An empty result is an
    error, because a lost scrape would otherwise scale to the minimum within 15 s. With a fast scaler no trigger is ever
    active, so that KEDA writes a raised minimum at once; a target that may reach `zero` needs its active triggers.
    """
    return {
        "type": "prometheus",
        "name": name,
        "metricType": "AverageValue",
        "useCachedMetrics": False,
        "metadata": {
            "serverAddress": args.prometheus_url,
            "query": query,
            "threshold": str(per_replica),
            "ignoreNullValues": "false",
            **({} if args.keda.fast_scaler is None or zero else {"activationThreshold": OUT_OF_REACH}),
        },
    }


def forecast_triggers(name: str, target: ScalingTarget, args: AutoscalingPolicyArgs) -> list[Manifest]:
    """The trusted forecast, where prediction is on. An empty result is ignored: the forecast is not trusted."""
    per_replica = target.in_flight_per_replica
    if per_replica is None or prediction(target, args) is not Prediction.ON:
        return []
    query = forecast.trusted_forecast(args.namespace, target.service or name)
    trigger = load_trigger("forecast", query, per_replica, args)
    return [{**trigger, "metadata": {**trigger["metadata"], "ignoreNullValues": "true"}}]


def resource_triggers(target: ScalingTarget) -> list[Manifest]:
    """Triggers on CPU (% of the request) and memory (bytes) of the server's container."""
    wanted = [] if target.cpu_percent is None else [("cpu", "Utilization", str(target.cpu_percent))]
    if target.memory_percent is not None:
        wanted.append(("memory", "AverageValue", memory_value(target)))
    return [
        {"type": kind, "name": kind, "metricType": how, "metadata": {"value": value, "containerName": target.container}}
        for kind, how, value in wanted
    ]


def cron_trigger(number: int, schedule: Schedule) -> Manifest:
    """A scheduled minimum. Source: KEDA, "Cron"."""
    times = {"timezone": schedule.timezone, "start": schedule.start, "end": schedule.end}
    return {
        "type": "cron",
        "name": f"schedule-{number}",
        "metadata": {**times, "desiredReplicas": str(schedule.replicas)},
    }


def fallback(target: ScalingTarget) -> Manifest:
    """Replicas while a query fails, never fewer than now (KEDA's default `static` would scale 40 replicas in).

    Empty without a query: KEDA rejects a fallback for CPU and memory alone.
    """
    if not any((target.in_flight_per_replica, target.sessions_per_replica, target.queue)):
        return {}
    replicas = target.fallback_replicas or max(1, target.min_replicas)
    count = {"failureThreshold": target.fallback_failures, "replicas": replicas}
    return {"fallback": {**count, "behavior": "currentReplicasIfHigher"}}
