"""What the dashboards share: the choices at their head, scrape intervals, legends, thresholds of an objective."""

from typing import Final

from meshed_mcp import contract
from meshed_mcp.components.alerts.burn_rate import BURN_RATES
from meshed_mcp.components.core import scraping
from meshed_mcp.components.observability.dashboards.records import Threshold, Variable
from meshed_mcp.components.observability.prometheus.rules import PAGES_SECONDS
from meshed_mcp.components.observability.prometheus.slo import Objective
from meshed_mcp.components.promql import selectors

SERVER_SCRAPE_SECONDS: Final = scraping.SERVER_SECONDS
"""Scrape interval of MCP servers, set by their PodMonitors."""

CLUSTER_SCRAPE_SECONDS: Final = scraping.CLUSTER_SECONDS
"""Scrape interval of kubelet, kube-state-metrics and Prometheus itself, the stack's default."""

RATE: Final = "$__rate_interval"
RECORDED_SECONDS: Final = PAGES_SECONDS
"""Interval of what rules record for pages."""

NAMESPACE: Final = "$namespace"
SERVER: Final = "$server"
SELECT: Final = selectors.selector(NAMESPACE, SERVER, regex=True)
BY_SERVER: Final = f"{{{{{contract.LABEL_SERVER}}}}}"
BY_TOOL: Final = f"{BY_SERVER} {{{{{contract.LABEL_TOOL}}}}}"
QUANTILES: Final = (0.5, 0.95, 0.99)
TOP: Final = 10
"""Lines of a ranking."""

CHOICES: Final = (
    Variable("namespace", "Namespace", contract.METRIC_INFO, "namespace"),
    Variable("server", "Server", f'{contract.METRIC_INFO}{{namespace=~"{NAMESPACE}"}}', contract.LABEL_SERVER),
)

BUDGET_THRESHOLDS: Final = (Threshold(0.25, "orange"), Threshold(0.5, "green"))
"""Half of the budget left is well, a quarter is where releases wait; the product's choice."""

FASTEST_BURN: Final = BURN_RATES[0].factor


def error_thresholds(objective: Objective) -> tuple[Threshold, ...]:
    """Where the budget begins to shrink too fast, and where somebody is woken within minutes; shares 0..1."""
    allowed = 1 - objective.availability_percent / 100
    return (Threshold(round(allowed, 6), "orange"), Threshold(round(min(1, allowed * FASTEST_BURN), 6), "red"))


def latency_thresholds(objective: Objective) -> tuple[Threshold, ...]:
    """The duration that is promised, seconds."""
    return (Threshold(objective.latency_seconds, "red"),)


def percentile(quantile: float) -> str:
    """Legend of a quantile."""
    return f"p{round(quantile * 100)}"
