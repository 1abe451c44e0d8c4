"""How the services of a stack scale: an autoscaler for each version, and what does not fit the rest of the service.

Configuration in, targets of `AutoscalingPolicy` and faults out. Not here: rules within `scaling:` alone (its model).
"""

from collections.abc import Iterator
from math import ceil

from meshed_mcp import contract
from meshed_mcp.components.autoscaling.args import KedaInstall, Profile, ScalingTarget, plain_faults
from meshed_mcp.components.core.errors import Fault
from meshed_mcp.components.core.names import MAX_SERVICE_NAME_CHARACTERS
from meshed_mcp.components.mesh.args import RolloutStrategy
from meshed_mcp.infra.config import ServiceConfig, StackConfig


def scaling_targets(config: StackConfig, name: str) -> dict[str, ScalingTarget]:
    """Autoscaler's name -> target, of the stable version and of the canary, where there is one.

    Each sees the load of its own version: the sum of both would let the canary grow by the stable version's calls.
    """
    item = config.services[name]
    stable = ScalingTarget(**dict(item.scaling), memory_limit=item.resources.memory_limit)
    weights = item.rollout.weights
    if item.rollout.strategy is not RolloutStrategy.CANARY or weights is None:
        return {name: stable}
    own = canary_name(name)
    share = weights.canary / 100
    canary = {"service": name, "deployment": own, "version": contract.CANARY, **canary_bounds(item, share)}
    return {
        name: stable.model_copy(update={"version": contract.STABLE}),
        own: stable.model_copy(update=canary),
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
