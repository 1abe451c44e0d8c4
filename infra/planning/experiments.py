"""Which faults are injected now, and which a stack may not have: pure, the time is given.

A configuration and the time in, faults by service or complaints out. Not here: what a fault may say
(components/mesh/routing/fault_injection_args.py), the rules it becomes (components/mesh/routing/fault_injection.py).
"""

from collections.abc import Collection, Iterator
from datetime import datetime
from itertools import combinations

from meshed_mcp.components.core.errors import ConfigIssue, suggestion
from meshed_mcp.components.mesh.routing.fault_injection_args import MAX_WINDOW_HOURS, FaultInjection, Window
from meshed_mcp.error_codes.stack import EXPERIMENTS_OVERLAP, FAULT_NEEDS_WINDOW, UNKNOWN_SERVICE, WINDOW_IS_OVER
from meshed_mcp.infra.config import NAMESPACE, ServiceConfig, StackConfig
from meshed_mcp.infra.planning.chaos import Environment, Experiment


def open_faults(item: ServiceConfig, now: datetime | None) -> dict[str, FaultInjection]:
    """Faults of a service that requests may ask for now."""
    return {name: fault for name, fault in item.faults.items() if fault.window is None or _holds(fault.window, now)}


def open_experiments(config: StackConfig, service: str, now: datetime | None) -> dict[str, FaultInjection]:
    """Experiments that the callers of a service meet now."""
    return {
        name: FaultInjection.model_validate(experiment.model_dump(exclude={"service"}), by_name=True)
        for name, experiment in config.chaos.items()
        if experiment.service == service and _holds(experiment.window, now)
    }


def experiment_issues(config: StackConfig, names: Collection[str], now: datetime | None) -> Iterator[ConfigIssue]:
    """What is wrong with the faults and experiments of a stack with services of these names."""
    for service, item in config.services.items():
        for name, fault in item.faults.items():
            yield from _window_issues(config, f"service {service}", f"faults.{name}", fault, now)
    for name, experiment in config.chaos.items():
        if experiment.service not in names:
            yield ConfigIssue(
                "stack",
                f"chaos.{name}.service",
                UNKNOWN_SERVICE.message(name=experiment.service, suggested=suggestion(experiment.service, list(names))),
            )
        yield from _window_issues(config, "stack", f"chaos.{name}", experiment, now)
    for (first, one), (second, other) in combinations(config.chaos.items(), 2):
        if _collide(one, other):
            message = EXPERIMENTS_OVERLAP.message(service=other.service, first=first)
            yield ConfigIssue("stack", f"chaos.{second}", message)


def _window_issues(
    config: StackConfig, where: str, field: str, fault: FaultInjection, now: datetime | None
) -> Iterator[ConfigIssue]:
    if fault.window is None:
        if config.environment is Environment.PRODUCTION:
            message = FAULT_NEEDS_WINDOW.message(
                most=MAX_WINDOW_HOURS, key=f"{NAMESPACE}:environment", environment=Environment.DEVELOPMENT
            )
            yield ConfigIssue(where, field, message)
    elif now is not None and fault.window.ended(now):
        message = WINDOW_IS_OVER.message(end=fault.window.end)
        yield ConfigIssue(where, f"{field}.window", message)


def _collide(one: Experiment, other: Experiment) -> bool:
    same_calls = one.tool == other.tool
    return one.service == other.service and same_calls and one.window.meets(other.window)


def _holds(window: Window, now: datetime | None) -> bool:
    return now is not None and window.holds(now)
