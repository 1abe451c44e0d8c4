"""Fault injection that is active at a given time, and its validation."""

from collections.abc import Collection, Iterator
from datetime import datetime
from itertools import combinations

from meshed_mcp.components.core.errors import ConfigIssue, suggestion
from meshed_mcp.components.mesh.routing.fault_injection_args import MAX_WINDOW_HOURS, FaultInjection, Window
from meshed_mcp.error_codes.stack import EXPERIMENTS_OVERLAP, FAULT_NEEDS_WINDOW, UNKNOWN_SERVICE, WINDOW_IS_OVER
from meshed_mcp.infra.config import NAMESPACE, Environment, ServiceConfig, StackConfig


def open_faults(item: ServiceConfig, now: datetime | None) -> dict[str, FaultInjection]:
    """Active faults of a service, which requests select by header."""
    return {name: fault for name, fault in item.faults.items() if fault.window is None or _is_open(fault.window, now)}


def open_experiments(config: StackConfig, service: str, now: datetime | None) -> dict[str, FaultInjection]:
    """Active experiments on a service."""
    return {
        name: FaultInjection.model_validate(experiment.model_dump(exclude={"service"}), by_name=True)
        for name, experiment in config.chaos.items()
        if experiment.service == service and _is_open(experiment.window, now)
    }


def experiment_issues(config: StackConfig, names: Collection[str], now: datetime | None) -> Iterator[ConfigIssue]:
    """Issues of the faults and experiments of a stack whose services are `names`."""
    for service, item in config.services.items():
        for name, fault in item.faults.items():
            yield from _window_issues(config, f"service {service}", f"faults.{name}", fault, now)
    for name, experiment in config.chaos.items():
        if experiment.service not in names:
            suggested = suggestion(experiment.service, list(names))
            message = UNKNOWN_SERVICE.message(name=experiment.service, suggested=suggested)
            yield ConfigIssue("stack", f"chaos.{name}.service", message)
        yield from _window_issues(config, "stack", f"chaos.{name}", experiment, now)
    for (first, one), (second, other) in combinations(config.chaos.items(), 2):
        same_calls = (one.service, one.tool) == (other.service, other.tool)
        if same_calls and one.window.overlaps(other.window):
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
    elif now is not None and fault.window.has_ended(now):
        message = WINDOW_IS_OVER.message(end=fault.window.end)
        yield ConfigIssue(where, f"{field}.window", message)


def _is_open(window: Window, now: datetime | None) -> bool:
    return now is not None and window.contains(now)
