"""Service level objectives of services and tools: the models of a stack.

Ratios are percentages and durations are seconds. Not here: the expressions (`promql/sli.py`), recording rules
(`rules.py`), burn-rate alerts (`components/alerts/burn_rate.py`).
"""

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
"""Days of an error budget; the factors of the burn-rate alerts assume it. Fewer where Prometheus keeps fewer."""


def bucket_bound(seconds: float) -> float:
    """`seconds` if calls can be counted at it. Raises ValueError with what to write instead."""
    if seconds in contract.DURATION_BUCKETS_SECONDS:
        return seconds
    bounds = ", ".join(f"{bound:g}" for bound in contract.DURATION_BUCKETS_SECONDS)
    raise INVALID_LATENCY.error(seconds=seconds, bounds=bounds)


class Objective(Model):
    """What is promised of calls. Caller faults count neither for nor against it."""

    availability_percent: float = Field(default=99.5, ge=50, le=99.999)
    """Calls that do not fail by the server's fault, percent. 100 is no objective: it leaves no budget."""

    latency_percent: float = Field(default=95, ge=50, le=99.999)
    """Calls that take at most `latency_seconds`, percent."""

    latency_seconds: Annotated[float, AfterValidator(bucket_bound)] = 2.0
    """A bound of the duration's histogram: 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120 or 300."""


class ServiceObjective(Objective):
    """What is promised of one service, and of those of its tools that differ."""

    tools: dict[str, Objective] = Field(default={})
    """Tool -> what is promised of it. In the service's latency, too, its calls are judged by the tool's seconds."""


class SloSettings(Model):
    """Objectives of every service; alerts, budgets and thresholds follow from them."""

    default: Objective = Objective()
    """Of services that are not named below, the registry among them (by its HTTP answers)."""

    services: dict[Annotated[str, AfterValidator(service_name)], ServiceObjective] = Field(default={})
    """Service -> what is promised of it; what it leaves out is as in `default`, and of its tools as of the service."""


class Scope(NamedTuple):
    """Label matchers (PromQL) of the series that one objective is for; the scopes of a stack do not overlap."""

    matchers: str
    objective: Objective


def completed(own: Objective, base: Objective) -> Objective:
    """`own`, with what it does not say taken from `base`."""
    fields = {name: getattr(own if name in own.model_fields_set else base, name) for name in Objective.model_fields}
    return Objective.model_validate(fields)


def objective_of(server: str, settings: SloSettings) -> Objective:
    """What is promised of one service."""
    return completed(settings.services.get(server, settings.default), settings.default)


def server_scopes(settings: SloSettings) -> Iterator[Scope]:
    """One for each service with an objective of its own, and one for the rest."""
    for name in settings.services:
        yield Scope(f'{contract.LABEL_SERVER}="{name}"', objective_of(name, settings))
    yield Scope(f'{contract.LABEL_SERVER}!~"{"|".join(settings.services)}"', settings.default)


def tool_scopes(settings: SloSettings) -> Iterator[Scope]:
    """One for each tool with an objective of its own, then as `server_scopes` for the other tools."""
    for server, service in settings.services.items():
        of_server, objective = f'{contract.LABEL_SERVER}="{server}"', objective_of(server, settings)
        for tool, own in service.tools.items():
            yield Scope(f"{of_server},{contract.LABEL_TOOL}={json.dumps(tool)}", completed(own, objective))
        others = json.dumps("|".join(map(re.escape, service.tools)))
        without = f",{contract.LABEL_TOOL}!~{others}" if service.tools else ""
        yield Scope(f"{of_server}{without}", objective)
    yield Scope(f'{contract.LABEL_SERVER}!~"{"|".join(settings.services)}"', settings.default)
