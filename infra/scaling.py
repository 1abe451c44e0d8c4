"""How the services of a stack scale: an autoscaler for each version, and what does not fit the rest of the service.

Configuration in, targets of `AutoscalingPolicy` and faults out. Not here: rules within `scaling:` alone (its model).
"""

from collections.abc import Iterator
from math import ceil
from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.autoscaling.args import KedaInstall, Prediction, Profile, ScalingTarget, plain_faults
from meshed_mcp.components.autoscaling.reaction import pod_ready_seconds
from meshed_mcp.components.core.errors import Fault
from meshed_mcp.components.core.forecast_queries import HISTORY_HOURS, SMOOTHING_MINUTES
from meshed_mcp.components.core.names import MAX_SERVICE_NAME_CHARACTERS
from meshed_mcp.components.mesh.args import RolloutStrategy
from meshed_mcp.components.mesh.container import READINESS_PERIOD_SECONDS
from meshed_mcp.infra import budgets
from meshed_mcp.infra.config import NAMESPACE, ServiceConfig, StackConfig


def scaling_targets(config: StackConfig, name: str) -> dict[str, ScalingTarget]:
    """Autoscaler's name -> target, of the stable version and of the canary, where there is one.

    Each sees the load of its own version: the sum of both would let the canary grow by the stable version's calls.
    """
    item = config.services[name]
    whole = ScalingTarget(**dict(item.scaling), memory_limit=item.resources.memory_limit)
    stable = whole.model_copy(update={"max_replicas": budgets.most_replicas(config, item)})
    weights = item.rollout.weights
    if item.rollout.strategy is not RolloutStrategy.CANARY or weights is None:
        return {name: stable}
    own = canary_name(name)
    share = weights.canary / 100
    canary = {"service": name, "deployment": own, "version": contract.CANARY, **canary_bounds(item, share)}
    return {
        name: stable.model_copy(update={"version": contract.STABLE}),
        own: whole.model_copy(update=canary),
    }


def canary_name(name: str) -> str:
    """Name of a canary's Deployment and of its autoscaler."""
    return f"{name}-{contract.CANARY}"


def canary_bounds(item: ServiceConfig, share: float) -> dict[str, object]:
    """Sizes for `share` (0..1) of the calls; one replica more than the smallest, so that load can be answered.

    The stable version keeps its bounds: when the canary fails, all calls come back to it at once.
    """
    scaling = item.scaling
    least = max(1, ceil(scaling.min_replicas * share))
    most = max(least + 1, ceil(scaling.max_replicas * share)) if scaling.min_replicas < scaling.max_replicas else least
    fallback = scaling.fallback_replicas
    return {
        "min_replicas": least,
        "max_replicas": most,
        "fallback_replicas": None if fallback is None else min(most, max(least, ceil(fallback * share))),
        "schedules": [
            floor.model_copy(update={"replicas": min(most, max(least, ceil(floor.replicas * share)))})
            for floor in scaling.schedules
        ],
    }


def scaling_faults(config: StackConfig, name: str, item: ServiceConfig) -> Iterator[Fault]:
    """What of a service's scaling contradicts its other settings or the stack's."""
    where, scaling = f"service {name}", item.scaling
    yield from budgets.budget_faults(config, name, item)
    if scaling.min_replicas == scaling.max_replicas:
        return
    if config.keda.install is KedaInstall.NONE:
        for field, message in plain_faults(scaling):
            yield Fault(where, f"scaling.{field}", message)
    if item.rollout.strategy is RolloutStrategy.CANARY and len(canary_name(name)) > MAX_SERVICE_NAME_CHARACTERS:
        room = MAX_SERVICE_NAME_CHARACTERS - len(canary_name(""))
        message = f"its canary's autoscaler needs a name of {room} characters or fewer; {name} has {len(name)}"
        yield Fault(where, "rollout", message)
    if scaling.profile is Profile.SESSION and item.legacy is not contract.Legacy.STICKY:
        message = "session counts sessions, and legacy: stateless has none; write legacy: sticky, or another profile"
        yield Fault(where, "scaling.profile", message.replace("stateless", item.legacy.value))
    yield from unreachable_faults(where, item)


def unreachable_faults(where: str, item: ServiceConfig) -> Iterator[Fault]:
    """Targets above what one replica lets in: it would refuse calls before another one is added."""
    limits = item.limits
    bounds = {
        "in_flight_per_replica": (
            "limits.concurrent_calls + limits.queued_calls",
            limits.concurrent_calls + limits.queued_calls,
        ),
        "sessions_per_replica": ("limits.sessions", limits.sessions),
    }
    for field, (source, most) in bounds.items():
        wanted = getattr(item.scaling, field)
        if wanted is not None and wanted > most:
            advice = f"write {max(1, most * 7 // 10)} or less"
            message = f"{wanted} is above {source} {most}, so replicas refuse before one is added; {advice}"
            yield Fault(where, f"scaling.{field}", message)


def forecast_faults(config: StackConfig) -> Iterator[Fault]:
    """A history that is gone before it is read, and a horizon within which no replica starts."""
    if config.keda.install is KedaInstall.NONE:
        return
    predicted = {name: item for name, item in config.services.items() if mode(config, item) is not Prediction.OFF}
    kept, needed = config.observability.prometheus.retention_days, ceil(HISTORY_HOURS / 24)
    if predicted and kept < needed:
        advice = f'write {needed} or more, or {NAMESPACE}:forecast: {{mode: "off"}}'
        message = f"{kept} is shorter than the {needed} days of history that a forecast reads; {advice}"
        yield Fault("observability", "prometheus.retention_days", message)
    horizon = config.forecast.horizon_minutes
    for name, item in predicted.items():
        seconds = pod_ready_seconds(ScalingTarget(**dict(item.scaling)), READINESS_PERIOD_SECONDS)
        least = ceil(seconds / 60) + SMOOTHING_MINUTES + RULE_MINUTES
        if horizon < least:
            message = f"{seconds:g} s are too long for forecast.horizon_minutes {horizon}; write {least} there, or more"
            yield Fault(f"service {name}", "scaling.pod_ready_seconds", message)


RULE_MINUTES: Final = 1
"""Age that a recorded forecast may have: the interval of its rules."""


def mode(config: StackConfig, item: ServiceConfig) -> Prediction:
    """What a forecast may do for a service; nothing where the size is fixed or calls do not count."""
    scaling = item.scaling
    if scaling.min_replicas == scaling.max_replicas or scaling.in_flight_per_replica is None:
        return Prediction.OFF
    return scaling.prediction or config.forecast.mode
