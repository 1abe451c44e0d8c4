"""Which faults are injected now, and which a stack may not have: pure, the time is given.

A configuration and the time in, faults by service or complaints out. Not here: what a fault may say
(components/mesh/faults_args.py), the rules it becomes (components/mesh/faults.py).
"""

from collections.abc import Collection, Iterator
from datetime import datetime
from itertools import combinations

from meshed_mcp.components.core.errors import Fault as Complaint
from meshed_mcp.components.core.errors import suggestion
from meshed_mcp.components.mesh.faults_args import MAX_WINDOW_HOURS, Fault, Window
from meshed_mcp.infra.chaos import Environment, Experiment
from meshed_mcp.infra.config import NAMESPACE, ServiceConfig, StackConfig


def open_faults(item: ServiceConfig, now: datetime | None) -> dict[str, Fault]:
    """Faults of a service that requests may ask for now."""
    return {name: fault for name, fault in item.faults.items() if fault.window is None or _holds(fault.window, now)}


def open_experiments(config: StackConfig, service: str, now: datetime | None) -> dict[str, Fault]:
    """Experiments that the callers of a service meet now."""
    return {
        name: Fault.model_validate(experiment.model_dump(exclude={"service"}), by_name=True)
        for name, experiment in config.chaos.items()
        if experiment.service == service and _holds(experiment.window, now)
    }


def experiment_faults(config: StackConfig, names: Collection[str], now: datetime | None) -> Iterator[Complaint]:
    """What is wrong with the faults and experiments of a stack with services of these names."""
    for service, item in config.services.items():
        for name, fault in item.faults.items():
            yield from _window_faults(config, f"service {service}", f"faults.{name}", fault, now)
    for name, experiment in config.chaos.items():
        if experiment.service not in names:
            advice = suggestion(experiment.service, list(names))
            yield Complaint("stack", f"chaos.{name}.service", f"there is no service {experiment.service}; {advice}")
        yield from _window_faults(config, "stack", f"chaos.{name}", experiment, now)
    for (first, one), (second, other) in combinations(config.chaos.items(), 2):
        if _collide(one, other):
            message = (
                f"meets the same requests of {other.service} as {first} at the same time, and a request meets one; "
                "write windows that do not overlap, or different tools"
            )
            yield Complaint("stack", f"chaos.{second}", message)


def _window_faults(
    config: StackConfig, where: str, field: str, fault: Fault, now: datetime | None
) -> Iterator[Complaint]:
    if fault.window is None:
        if config.environment is Environment.PRODUCTION:
            message = (
                f"a production stack takes faults in a window only; add window: {{start: ..., end: ...}} of at most "
                f"{MAX_WINDOW_HOURS} h, or write {NAMESPACE}:environment: {Environment.DEVELOPMENT} where it is none"
            )
            yield Complaint(where, field, message)
    elif now is not None and fault.window.ended(now):
        message = f"ended at {fault.window.end}; remove it, or write a later window"
        yield Complaint(where, f"{field}.window", message)


def _collide(one: Experiment, other: Experiment) -> bool:
    same_calls = one.tool == other.tool
    return one.service == other.service and same_calls and one.window.meets(other.window)


def _holds(window: Window, now: datetime | None) -> bool:
    return now is not None and window.holds(now)
