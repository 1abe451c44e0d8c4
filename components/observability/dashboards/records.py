"""What a dashboard consists of, as typed records. Every PromQL in them comes from `core/queries.py`.

Not here: Grafana's JSON (`classic.py`), the dashboards themselves (one module each).
"""

from enum import StrEnum
from typing import NamedTuple


class Unit(StrEnum):
    """Units of the panels. Source: Grafana, ids of the unit list."""

    PER_SECOND = "reqps"
    SHARE = "percentunit"
    SECONDS = "s"
    COUNT = "short"
    CORES = "suffix: cores"
    BYTES = "bytes"


class Kind(StrEnum):
    """Types of panels. Source: Grafana, ids of the core panel plugins."""

    LINES = "timeseries"
    BARS = "bargauge"


class Query(NamedTuple):
    """One PromQL expression and the name of its series; `legend` may hold `{{label}}`."""

    expression: str
    legend: str


class Threshold(NamedTuple):
    """From `value` on, in the panel's unit, the colour is `color`."""

    value: float
    color: str


class Panel(NamedTuple):
    """One panel. `scrape_seconds` is the scrape interval of its series: the shortest step that makes sense."""

    title: str
    description: str
    unit: Unit
    queries: tuple[Query, ...]
    scrape_seconds: int
    kind: Kind = Kind.LINES
    width: int = 12
    height: int = 8
    thresholds: tuple[Threshold, ...] = ()


class Variable(NamedTuple):
    """A choice at the head of the dashboard: the values of `label` in the series that `selector` finds."""

    name: str
    title: str
    selector: str
    label: str


class Dashboard(NamedTuple):
    """A dashboard. Its `uid` never changes: links and favourites hold it."""

    uid: str
    title: str
    description: str
    variables: tuple[Variable, ...]
    panels: tuple[Panel, ...]
