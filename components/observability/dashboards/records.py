"""What a dashboard consists of, as typed records. Every PromQL in them comes from `promql/selectors.py`.

Not here: Grafana's JSON (`classic.py`), the dashboards themselves (one module each).
"""

from enum import StrEnum
from typing import NamedTuple


class Unit(StrEnum):
    """Units of the panels. Source: Grafana, ids of the unit list."""

    PER_SECOND = "reqps"
    SHARE = "percentunit"
    SECONDS = "s"
    MILLISECONDS = "ms"
    COUNT = "short"
    CORES = "suffix: cores"
    BYTES = "bytes"
    BYTES_PER_SECOND = "Bps"
    AMOUNT = "none"
    """An amount of money without a sign: only OpenCost knows the currency."""


class Kind(StrEnum):
    """Types of panels. Source: Grafana, ids of the core panel plugins."""

    LINES = "timeseries"
    BARS = "bargauge"
    NUMBER = "stat"
    """The newest value alone, colored by its thresholds."""


class Page(StrEnum):
    """Our dashboards by uid, which never changes: links, alerts and favorites hold it."""

    OVERVIEW = "mcp-overview"
    SERVICES = "mcp-services"
    REGISTRY = "mcp-registry"
    AUTOSCALING = "mcp-autoscaling"
    PERFORMANCE = "mcp-performance"
    MESH = "mcp-mesh"
    MONITORING = "mcp-monitoring"
    USAGE = "mcp-usage"
    COST = "mcp-cost"
    CAPACITY = "mcp-capacity"
    INFRASTRUCTURE = "mcp-infrastructure"


class Query(NamedTuple):
    """One PromQL expression and the name of its series; `legend` may hold `{{label}}`.

    `exemplars`: draw the traces behind it, for a rate of buckets.
    """

    expression: str
    legend: str
    exemplars: bool = False


class Threshold(NamedTuple):
    """From `value` on, in the panel's unit, the color is `color`."""

    value: float
    color: str


class Panel(NamedTuple):
    """One panel. `scrape_seconds` is the scrape interval of its series: the shortest step that makes sense.

    `below`: color of what lies under the first threshold.
    `lowest`: where the axis begins, None = by the values. `leads_to`: the page of the server that is clicked on.
    """

    title: str
    description: str
    unit: Unit
    queries: tuple[Query, ...]
    scrape_seconds: int
    kind: Kind = Kind.LINES
    width: int = 12
    height: int = 8
    thresholds: tuple[Threshold, ...] = ()
    below: str = "green"
    lowest: float | None = 0
    leads_to: Page | None = None


class Variable(NamedTuple):
    """A choice at the head of the dashboard: the values of `label` in the series that `selector` finds.

    `several`: also more than one, and all. Not for pods: a thousand lines show nothing and cost most.
    """

    name: str
    title: str
    selector: str
    label: str
    several: bool = True


class Dashboard(NamedTuple):
    """A dashboard."""

    uid: Page
    title: str
    description: str
    variables: tuple[Variable, ...]
    panels: tuple[Panel, ...]
