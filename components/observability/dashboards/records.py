"""Records of a dashboard: panels, queries, thresholds, variables. `classic.py` renders them as Grafana's JSON."""

from enum import StrEnum
from typing import NamedTuple


class Unit(StrEnum):
    """Units of panels. Source: Grafana, ids of the unit list."""

    PER_SECOND = "reqps"
    RATIO = "percentunit"
    SECONDS = "s"
    MILLISECONDS = "ms"
    COUNT = "short"
    CORES = "suffix: cores"
    BYTES = "bytes"
    BYTES_PER_SECOND = "Bps"
    AMOUNT = "none"
    """Money without a currency sign, because only OpenCost knows the currency."""


class Kind(StrEnum):
    """Types of panels. Source: Grafana, ids of the core panel plugins."""

    TIME_SERIES = "timeseries"
    BAR_GAUGE = "bargauge"
    STAT = "stat"


class Uid(StrEnum):
    """Uids of the dashboards, which never change: links, alerts and favorites contain them."""

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
    """One PromQL expression and the legend of its series, which may contain `{{label}}`.

    `exemplars`: show exemplars, for a rate of histogram buckets.
    """

    expression: str
    legend: str
    exemplars: bool = False


class Threshold(NamedTuple):
    """Color of values from `value` on, in the panel's unit."""

    value: float
    color: str


class Panel(NamedTuple):
    """One panel. `scrape_seconds` is the scrape interval of its series, which is its shortest step.

    `base_color`: color below the first threshold. `axis_min`: start of the axis, None = automatic. `links_to`:
    dashboard that a click on a series opens for its server.
    """

    title: str
    description: str
    unit: Unit
    queries: tuple[Query, ...]
    scrape_seconds: int
    kind: Kind = Kind.TIME_SERIES
    width: int = 12
    height: int = 8
    thresholds: tuple[Threshold, ...] = ()
    base_color: str = "green"
    axis_min: float | None = 0
    links_to: Uid | None = None
    no_value: str = ""
    """Text instead of "No data"."""


class Variable(NamedTuple):
    """A dashboard variable: the values of `label` in the series that `selector` selects.

    `multi`: allows several values and all. Not for pods: a thousand lines are unreadable and expensive.
    """

    name: str
    title: str
    selector: str
    label: str
    multi: bool = True


class Dashboard(NamedTuple):
    """A dashboard."""

    uid: Uid
    description: str
    variables: tuple[Variable, ...]
    panels: tuple[Panel, ...]

    @property
    def title(self) -> str:
        """Title such as "MCP overview"."""
        return self.uid.value.replace("mcp-", "MCP ")
