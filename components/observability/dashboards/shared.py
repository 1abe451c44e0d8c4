"""What the dashboards share: variables, scrape intervals, legends, thresholds, and constructors of panels."""

from functools import partial
from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.alerts.burn_rate import BURN_RATES
from meshed_mcp.components.core import scraping
from meshed_mcp.components.observability.dashboards.records import Kind, Panel, Query, Threshold, Unit, Variable
from meshed_mcp.components.observability.prometheus.recording_rules import DASHBOARD_SECONDS
from meshed_mcp.components.observability.prometheus.slo import Objective
from meshed_mcp.components.promql import load, selectors

SERVER_SCRAPE_SECONDS: Final = scraping.SERVER_SECONDS
"""Scrape interval of MCP servers, set by their PodMonitors."""

CLUSTER_SCRAPE_SECONDS: Final = scraping.CLUSTER_SECONDS
"""Scrape interval of kubelet, kube-state-metrics and Prometheus itself, the stack's default."""

RECORDED_SECONDS: Final = DASHBOARD_SECONDS
"""Interval of the recording rules for dashboards."""

RATE: Final = "$__rate_interval"
NAMESPACE: Final = "$namespace"
SERVER: Final = "$server"
SELECT: Final = selectors.selector(NAMESPACE, SERVER, regex=True)
BY_SERVER: Final = f"{{{{{contract.LABEL_SERVER}}}}}"
BY_TOOL: Final = f"{BY_SERVER} {{{{{contract.LABEL_TOOL}}}}}"
BY_ORGANIZATION: Final = f"{{{{{contract.LABEL_ORGANIZATION}}}}}"
QUANTILES: Final = (0.5, 0.95, 0.99)
TOP: Final = 10
"""Series of a ranking."""

MCP_SERVERS: Final = f'{contract.LABEL_SERVER}!="{contract.REGISTRY_NAME}"'
"""The registry reports requests in flight too, and has a dashboard of its own."""

VARIABLES: Final = (
    Variable("namespace", "Namespace", f"{load.IN_FLIGHT}{{{MCP_SERVERS}}}", "namespace"),
    Variable("server", "Server", f'{load.IN_FLIGHT}{{namespace=~"{NAMESPACE}",{MCP_SERVERS}}}', contract.LABEL_SERVER),
)
"""Of the recorded load, which every server has, with the runtime or without."""

RUNTIME_ONLY: Final = "No data. Servers without the meshed-mcp runtime (runtime: external) do not report this."
"""Source: Grafana, field option "No value"."""

NEARLY_FULL: Final = (Threshold(0.8, "orange"), Threshold(0.9, "red"))
"""Of disks and volumes. Prometheus' blocks may fill 0.8 of a volume; the rest is for its head and write-ahead log.
Source: Prometheus, "Storage"."""

BUDGET_THRESHOLDS: Final = (Threshold(0.25, "orange"), Threshold(0.5, "green"))
"""Product rule: half of the budget remaining is healthy; below a quarter, releases wait."""


def panel(  # noqa: PLR0913 - the fields of a panel
    title: str,
    description: str,
    unit: Unit,
    *queries: Query,
    scrape_seconds: int = CLUSTER_SCRAPE_SECONDS,
    kind: Kind = Kind.TIME_SERIES,
    width: int = 12,
    thresholds: tuple[Threshold, ...] = (),
) -> Panel:
    """A panel; `scrape_seconds` is the scrape interval of its series, which is its shortest step."""
    return Panel(title, description, unit, queries, scrape_seconds, kind, width, thresholds=thresholds)


bar_gauge: Final = partial(panel, kind=Kind.BAR_GAUGE)
"""A panel of current values."""


def scraped_every(seconds: int, *panels: Panel) -> tuple[Panel, ...]:
    """`panels` whose series have this scrape interval."""
    return tuple(each._replace(scrape_seconds=seconds) for each in panels)


def of_runtime(*panels: Panel) -> tuple[Panel, ...]:
    """`panels` whose series only the runtime reports; without data they say so."""
    return tuple(each._replace(no_value=RUNTIME_ONLY) for each in panels)


def budget_panel(title: str, description: str, *queries: Query, kind: Kind = Kind.BAR_GAUGE, width: int = 12) -> Panel:
    """A panel of remaining error budgets, which may be negative."""
    budgets = panel(title, description, Unit.RATIO, *queries, kind=kind, width=width, thresholds=BUDGET_THRESHOLDS)
    return budgets._replace(base_color="red", axis_min=None)


def error_thresholds(objective: Objective) -> tuple[Threshold, ...]:
    """Error ratios, 0..1, at which the burn rate is 1 and that of the fastest critical alert."""
    allowed = 1 - objective.availability_percent / 100
    return (Threshold(round(allowed, 6), "orange"), Threshold(round(min(1, allowed * BURN_RATES[0].factor), 6), "red"))


def latency_thresholds(objective: Objective) -> tuple[Threshold, ...]:
    """The latency of the objective, seconds."""
    return (Threshold(objective.latency_seconds, "red"),)


def percentile(quantile: float) -> str:
    """Legend of a quantile, such as "p99"."""
    return f"p{round(quantile * 100)}"
