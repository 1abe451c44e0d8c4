"""The record of one alert, from which its rules, its row in docs/reference/alerts.md and its tests are made.

Texts are Prometheus templates, in which a token such as `THRESHOLD` stands for a value of the stack. Each topic has a
module of records, and `catalog.py` lists them. The series on which an alert fires, and those on which it does not, are
in `tests/promql/alerts/<name>.yaml`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from meshed_mcp import contract
from meshed_mcp.components.promql.selectors import PromQL

SERVER: Final = f"{{{{ $labels.{contract.LABEL_SERVER} }}}} in {{{{ $labels.namespace }}}}"
TOOL: Final = f"{{{{ $labels.{contract.LABEL_TOOL} }}}} of {SERVER}"
POD: Final = f"{{{{ $labels.pod }}}} ({SERVER})"
NUMBER: Final = '{{ $value | printf "%.0f" }}'
PERCENT: Final = "{{ $value | humanizePercentage }}"
"""Object and value of a summary. Source: Prometheus, "Template reference"."""

THRESHOLD: Final = "<threshold>"
"""Token for the threshold with its unit."""

NAMESPACE: Final = "<namespace>"
"""Token for `Scope.namespace`."""

NAME: Final = "<name>"
"""Token for `Scope.name`."""

LONG_WINDOW: Final = "<long window>"
SHORT_WINDOW: Final = "<short window>"
FACTOR: Final = "<factor>"
"""Tokens for the fields of a `BurnRate`."""


class Severity(StrEnum):
    """How urgent an alert is; Alertmanager routes by it."""

    CRITICAL = "critical"
    """Users are affected now: webhook and email."""

    WARNING = "warning"
    """Needs attention within a day: email, or webhook where there is no email receiver."""

    INFO = "info"
    """Context for other alerts: shown, sent to no receiver."""


class Component(StrEnum):
    """What an alert is about: its label `component`."""

    SERVER = "server"
    TOOL = "tool"
    REGISTRY = "registry"
    POD = "pod"
    MONITORING = "monitoring"
    CAPACITY = "capacity"
    MESH = "mesh"
    COST = "cost"
    AUTOSCALING = "autoscaling"


class Threshold(NamedTuple):
    """The number that an alert's expression compares with, and the values that it can take."""

    default: float
    unit: str
    """What it counts, such as "seconds"; RATIO = shown as a percentage."""

    minimum: float
    maximum: float
    stack_key: str = ""
    """Key of the stack file that sets it; empty = `threshold` of the alert's settings."""

    @property
    def allowed(self) -> str:
        """The values that it can take: `0 to 1000000`."""
        return f"{self.minimum:.10g} to {self.maximum:.10g}"


RATIO: Final = "ratio"
"""Unit of a number 0..1."""

MAX_RATIO: Final = 0.99
"""A ratio above 1 does not exist, so a threshold of 1 would disable the alert silently."""

MAX_COUNT: Final = 1_000_000

SPANS: Final = Threshold(default=0, unit="spans in 10 minutes", minimum=0, maximum=MAX_COUNT)


class BurnRate(NamedTuple):
    """A pair of windows: the alert fires while the error rate is above `factor` times the error budget in both."""

    long: str
    short: str
    factor: float
    for_seconds: int
    severity: Severity


class Scope(NamedTuple):
    """Values of a stack that expressions and texts of alerts need; an alert uses those that it is about."""

    namespace: str
    """Namespace of the component that renders the alert, or of what it watches."""

    threshold: float = 0
    burn_rate: BurnRate | None = None
    servers: Sequence[str] = ()
    name: str = ""
    """Deployment or autoscaling target."""

    replica_month_cost: float = 0
    labels: Mapping[str, str] = {}
    """Labels of the rule besides `severity` and `component`."""


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alert; with `burn_rates` it has one rule per pair of windows, which bring `for` and severity."""

    name: str
    expression: Callable[[Scope], PromQL]
    for_seconds: int = 0
    severity: Severity = Severity.WARNING
    component: Component
    summary: str
    """Names the object and its value."""

    description: str
    """What follows for users and operators."""

    threshold: Threshold | None = None
    burn_rates: tuple[BurnRate, ...] = ()


def threshold_text(threshold: Threshold, value: float) -> str:
    """A threshold with its unit, as texts and the reference show it: `90%`, `60 seconds`."""
    return f"{value * 100:g}%" if threshold.unit == RATIO else f"{value:g} {threshold.unit}".strip()
