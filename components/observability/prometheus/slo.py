"""Service level objectives of services and tools. Ratios are percentages, durations are seconds."""

import json
import re
from collections.abc import Iterator
from typing import Annotated, Final, NamedTuple

from pydantic import AfterValidator, Field

from meshed_mcp import contract
from meshed_mcp.components.core.args import Model
from meshed_mcp.components.core.names import service_name
from meshed_mcp.error_codes.observability import INVALID_LATENCY

BUDGET_DAYS: Final = 30
"""Days of an error budget, which the burn-rate alerts assume; limited by Prometheus' retention."""


def bucket_bound(seconds: float) -> float:
    """`seconds` unchanged, if it is a bucket bound. Raises ValueError with what to set instead."""
    if seconds in contract.DURATION_BUCKETS_SECONDS:
        return seconds
    bounds = ", ".join(f"{bound:g}" for bound in contract.DURATION_BUCKETS_SECONDS)
    raise INVALID_LATENCY.error(seconds=seconds, bounds=bounds)


class Objective(Model):
    """Availability and latency objective. Client errors do not count."""

    availability_percent: float = Field(default=99.5, ge=50, le=99.999)
    """Percentage of calls without a server error. 100 is not allowed, because it leaves no error budget."""

    latency_percent: float = Field(default=95, ge=50, le=99.999)
    """Percentage of calls that take at most `latency_seconds`."""

    latency_seconds: Annotated[float, AfterValidator(bucket_bound)] = 2.0
    """A bucket bound of the duration histogram: 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120 or 300."""


class ServiceObjective(Objective):
    """Objective of one service and of tools with their own objective."""

    tools: dict[str, Objective] = Field(default={})
    """Tool -> its objective. The service's latency objective uses the tool's `latency_seconds` for its calls too."""


class SloSettings(Model):
    """Objectives of all services, from which alerts, error budgets and dashboard thresholds are derived."""

    default: Objective = Objective()
    """Objective of services not listed in `services`; for the registry it applies to its HTTP responses."""

    services: dict[Annotated[str, AfterValidator(service_name)], ServiceObjective] = Field(default={})
    """Service -> its objective. Unset fields of a service are those of `default`, of a tool those of its service."""


class Scope(NamedTuple):
    """Label matchers (PromQL) of the series that an objective applies to; scopes do not overlap."""

    matchers: str
    objective: Objective


def with_defaults(own: Objective, base: Objective) -> Objective:
    """`own`, with its unset fields taken from `base`."""
    fields = {name: getattr(own if name in own.model_fields_set else base, name) for name in Objective.model_fields}
    return Objective.model_validate(fields)


def objective_of(server: str, settings: SloSettings) -> Objective:
    """The objective of one service."""
    return with_defaults(settings.services.get(server, settings.default), settings.default)


def server_scopes(settings: SloSettings) -> Iterator[Scope]:
    """A scope for each service with its own objective, and one for the rest."""
    for name in settings.services:
        yield Scope(f'{contract.LABEL_SERVER}="{name}"', objective_of(name, settings))
    yield Scope(f'{contract.LABEL_SERVER}!~"{"|".join(settings.services)}"', settings.default)


def tool_scopes(settings: SloSettings) -> Iterator[Scope]:
    """A scope for each tool with its own objective, then those of `server_scopes` for the other tools."""
    for server, service in settings.services.items():
        of_server, objective = f'{contract.LABEL_SERVER}="{server}"', objective_of(server, settings)
        for tool, own in service.tools.items():
            yield Scope(f"{of_server},{contract.LABEL_TOOL}={json.dumps(tool)}", with_defaults(own, objective))
        others = json.dumps("|".join(map(re.escape, service.tools)))
        without = f",{contract.LABEL_TOOL}!~{others}" if service.tools else ""
        yield Scope(f"{of_server}{without}", objective)
    yield Scope(f'{contract.LABEL_SERVER}!~"{"|".join(settings.services)}"', settings.default)
