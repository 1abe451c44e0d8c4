"""Autoscaling targets of a stack, one per version and pool, and validation of `scaling:` against other settings."""

from collections.abc import Iterator
from math import ceil
from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.autoscaling.args import (
    Prediction,
    Profile,
    ScalingSettings,
    ScalingTarget,
    native_hpa_issues,
    wants_vpa,
)
from meshed_mcp.components.autoscaling.scale_out_latency import pod_ready_seconds
from meshed_mcp.components.core.charts import OptionalInstall
from meshed_mcp.components.core.errors import ConfigIssue
from meshed_mcp.components.core.names import MAX_SERVICE_NAME_CHARACTERS
from meshed_mcp.components.mesh.routing.rollout_args import BlueGreen, Canary, Color
from meshed_mcp.components.mesh.routing.tool_args import POOL_PREFIX
from meshed_mcp.components.mesh.service.container import READINESS_PERIOD_SECONDS
from meshed_mcp.components.promql.forecast import HISTORY_HOURS, SMOOTHING_MINUTES
from meshed_mcp.error_codes import stack as codes
from meshed_mcp.infra.config import NAMESPACE, ServiceConfig, StackConfig
from meshed_mcp.infra.validation import budgets


def scaling_targets(config: StackConfig, name: str) -> dict[str, ScalingTarget]:
    """Name of the autoscaler -> target, of every version and pool. Each scales on its own load."""
    item = config.services[name]
    limits = {
        "container": container_of(item),
        "memory_limit": item.resources.memory_limit,
        "cpu_limit": item.resources.cpu_limit,
    }
    whole = ScalingTarget(**dict(item.scaling), **limits, has_runtime=item.has_runtime)
    stable = whole.model_copy(update=budgets.bounds(config, item))
    second = item.rollout.second
    if second is None and not item.pools:
        return {name: stable}
    is_preview = isinstance(item.rollout, BlueGreen) and item.rollout.active is Color.GREEN
    own = {"version": contract.STABLE, **(preview_bounds(item) if is_preview else {})}
    targets = {name: stable.model_copy(update=own)}
    if second is not None:
        own = {"service": name, "deployment": f"{name}-{second}", "version": second, **second_bounds(item)}
        targets[f"{name}-{second}"] = whole.model_copy(update=own)
    return targets | pool_targets(config, name, item)


def container_of(item: ServiceConfig) -> str:
    """Container whose CPU and memory count: that of the user's server."""
    return contract.UPSTREAM_CONTAINER_NAME if item.has_upstream else contract.CONTAINER_NAME


def autoscaled_versions(config: StackConfig, name: str) -> list[str]:
    """Versions and pools of a service that have an autoscaler."""
    targets = scaling_targets(config, name).values()
    return [target.version or contract.STABLE for target in targets if target.scales]


def pool_targets(config: StackConfig, name: str, item: ServiceConfig) -> dict[str, ScalingTarget]:
    """Targets of a service's pools, without the forecast, which covers the whole service."""
    return {
        f"{name}-{pool}": ScalingTarget(
            **dict(settings.scaling) | budgets.bounds(config, item, settings) | {"prediction": Prediction.OFF},
            service=name,
            deployment=f"{name}-{pool}",
            version=f"{POOL_PREFIX}{pool}",
            container=container_of(item),
            memory_limit=(settings.resources or item.resources).memory_limit,
            has_runtime=item.has_runtime,
        )
        for pool, settings in item.pools.items()
    }


WITHOUT_FORECAST: Final[dict[str, object]] = {"prediction": Prediction.OFF}
"""A forecast covers all requests of a service, so a version with a share of them does not scale on it."""


def second_bounds(item: ServiceConfig) -> dict[str, object]:
    """Bounds of a rollout's second version: a canary's share, a preview's minimum, otherwise the service's own."""
    match item.rollout:
        case Canary(weights=weights):
            return canary_bounds(item, weights.canary / 100)
        case BlueGreen(active=Color.BLUE):
            return preview_bounds(item)
        case BlueGreen():
            return {}
    return WITHOUT_FORECAST


def preview_bounds(item: ServiceConfig) -> dict[str, object]:
    """Minimum of the inactive color."""
    wanted = item.rollout.preview_replicas if isinstance(item.rollout, BlueGreen) else None
    least = {} if wanted is None else {"min_replicas": min(wanted, item.scaling.max_replicas)}
    return WITHOUT_FORECAST | least


def canary_bounds(item: ServiceConfig, share: float) -> dict[str, object]:
    """Bounds for `share` (0..1) of the requests, with room for one more replica than the minimum.

    The stable version keeps its bounds: a rollback returns all requests to it at once.
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


def scaling_issues(config: StackConfig, name: str, item: ServiceConfig) -> Iterator[ConfigIssue]:
    """Settings of `scaling:` that contradict other settings of the service or the stack."""
    where = f"service {name}"
    yield from budgets.budget_issues(config, name, item)
    yield from target_issues(config, where, "scaling", item.scaling, item)
    for pool, settings in item.pools.items():
        place = f"pools.{pool}.scaling"
        yield from budgets.budget_issues(config, name, item, place, settings)
        yield from target_issues(config, where, place, settings.scaling, item)
        if settings.scaling.sessions_per_replica is not None:
            yield ConfigIssue(where, f"{place}.sessions_per_replica", codes.SESSIONS_OF_A_POOL.message())
    yield from name_issues(name, item)
    if item.scaling.scales and item.scaling.profile is Profile.SESSION and item.legacy is not contract.Legacy.STICKY:
        yield ConfigIssue(where, "scaling.profile", codes.SESSIONS_WITHOUT_STICKY.message(legacy=item.legacy.value))


def target_issues(
    config: StackConfig, where: str, place: str, scaling: ScalingSettings, item: ServiceConfig
) -> Iterator[ConfigIssue]:
    """Issues of the scaling of a service or a pool; `place` is its field."""
    if wants_vpa(scaling) and config.vpa.install is OptionalInstall.NONE:
        yield ConfigIssue(where, f"{place}.right_sizing.mode", codes.NEEDS_VPA.message(key=f"{NAMESPACE}:vpa"))
    if not scaling.scales:
        return
    if config.keda.install is OptionalInstall.NONE:
        for field, message in native_hpa_issues(scaling):
            yield ConfigIssue(where, f"{place}.{field}", message)
    yield from unreachable_issues(where, place, scaling, item)


def name_issues(name: str, item: ServiceConfig) -> Iterator[ConfigIssue]:
    """Names of autoscalers that are too long."""
    parts = {"rollout": [item.rollout.second] if item.rollout.second else [], "pools": list(item.pools)}
    for field, suffixes in parts.items():
        for suffix in suffixes:
            room = MAX_SERVICE_NAME_CHARACTERS - len(f"-{suffix}")
            if len(name) > room:
                message = codes.AUTOSCALER_NAME_TOO_LONG.message(suffix=suffix, room=room, name=name, count=len(name))
                yield ConfigIssue(f"service {name}", field, message)


def unreachable_issues(where: str, place: str, scaling: ScalingSettings, item: ServiceConfig) -> Iterator[ConfigIssue]:
    """Targets above the limits of one replica: it would queue or reject requests before scale-out."""
    if not item.has_runtime:
        return
    bounds = {
        "in_flight_per_replica": ("concurrent_calls", "queue requests"),
        "sessions_per_replica": ("sessions", "reject sessions"),
    }
    for field, (limit, effect) in bounds.items():
        wanted, most = getattr(scaling, field), getattr(item.limits, limit)
        if wanted is not None and wanted > most:
            message = codes.TARGET_ABOVE_LIMIT.message(
                wanted=wanted, limit=limit, most=most, effect=effect, least=max(1, most * 7 // 10)
            )
            yield ConfigIssue(where, f"{place}.{field}", message)


def forecast_issues(config: StackConfig) -> Iterator[ConfigIssue]:
    """Retention shorter than the history of the forecast, and a horizon shorter than the start of a replica."""
    if config.keda.install is OptionalInstall.NONE:
        return
    modes = {name: prediction_mode(config, item) for name, item in config.services.items()}
    predicted = {name: config.services[name] for name, mode in modes.items() if mode is not Prediction.OFF}
    kept, needed = config.observability.prometheus.retention_days, ceil(HISTORY_HOURS / 24)
    if predicted and kept < needed:
        message = codes.RETENTION_BELOW_FORECAST.message(kept=kept, needed=needed, key=f"{NAMESPACE}:forecast")
        yield ConfigIssue("observability", "prometheus.retention_days", message)
    horizon = config.forecast.horizon_minutes
    for name, item in predicted.items():
        seconds = pod_ready_seconds(ScalingTarget(**dict(item.scaling)), READINESS_PERIOD_SECONDS)
        least = ceil(seconds / 60) + SMOOTHING_MINUTES + RULE_MINUTES
        if horizon < least:
            message = codes.HORIZON_TOO_SHORT.message(seconds=seconds, horizon=horizon, least=least)
            yield ConfigIssue(f"service {name}", "scaling.pod_ready_seconds", message)


def deletion_cost_issues(config: StackConfig) -> Iterator[ConfigIssue]:
    """Deletion costs without a service that scales on sessions."""
    counts = any(item.scaling.scales and item.scaling.sessions_per_replica for item in config.services.values())
    if config.deletion_cost is not None and not counts:
        yield ConfigIssue("deletion_cost", "", codes.DELETION_COST_WITHOUT_SESSIONS.message())


RULE_MINUTES: Final = 1
"""Evaluation interval of the forecast's rules."""


def prediction_mode(config: StackConfig, item: ServiceConfig) -> Prediction:
    """Prediction mode of a service: `off` for a fixed size, or if it does not scale on in-flight requests."""
    scaling = item.scaling
    if scaling.min_replicas == scaling.max_replicas or scaling.in_flight_per_replica is None:
        return Prediction.OFF
    return scaling.prediction or config.forecast.mode
