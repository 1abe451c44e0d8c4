"""What dashboards show of servers without the runtime: values of their sidecars, or why there are none."""

from collections.abc import Iterator

import promql_parser
import pytest

from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.dashboards.config_maps import dashboards
from meshed_mcp.components.observability.dashboards.records import Panel, Uid
from meshed_mcp.components.observability.dashboards.shared import RUNTIME_ONLY
from meshed_mcp.components.observability.metrics.platform import PLATFORM
from tests.promql.test_expressions import without_macros
from tests.promql.test_series_of_queries import FORECAST, RULES, names, selectors

EXPRESSIONS = {rule["record"]: rule["expr"] for rule in [*RULES, *FORECAST] if "record" in rule}
EVERYWHERE = {series for metric in PLATFORM for series in metric.series}
"""Series that exist without the runtime."""


def exists(name: str) -> bool:
    """Whether a series exists for a server without the runtime: of the platform, or recorded from such a series."""
    return name in EVERYWHERE or (name in EXPRESSIONS and has_values(EXPRESSIONS[name]))


def has_values(text: str) -> bool:
    """Whether an expression reads any series that exists without the runtime."""
    return any(exists(name) for selector in selectors(promql_parser.parse(text)) for name in names(selector))


def panels() -> Iterator[tuple[Uid, Panel]]:
    """Every panel about servers; those of the registry are about a server with the runtime."""
    for dashboard in dashboards(ObservabilityStackArgs()):
        if dashboard.uid is not Uid.REGISTRY:
            yield from ((dashboard.uid, panel) for panel in dashboard.panels)


def test_panel_without_values_of_such_servers_says_so() -> None:
    """Requirement SIG-4: "No data" of a panel about tools or queues would look like a server that is down."""
    silent = [
        f"{uid}: {panel.title}"
        for uid, panel in panels()
        if not panel.no_value and not any(has_values(without_macros(query.expression)) for query in panel.queries)
    ]
    assert silent == []


@pytest.mark.parametrize(
    "title", ["Tool calls", "Error ratio", "Tool call latency", "Requests in flight", "Replicas up"]
)
def test_signals_of_such_servers_are_panels_with_values(title: str) -> None:
    """Requirement SIG-2: the sidecar's requests, errors and durations are on the panels of all servers."""
    found = [panel for _, panel in panels() if panel.title == title]
    assert found
    assert all(has_values(without_macros(panel.queries[0].expression)) for panel in found)
    assert all(panel.no_value != RUNTIME_ONLY for panel in found)


def test_tools_have_no_values() -> None:
    """Requirement PRJ-1: the check tells series of the runtime apart."""
    assert not exists("tool:mcp_org_requests:rate5m")
    assert not has_values("sum(mcp_server_request_queue_depth)")
    assert exists("server:mcp_in_flight:sum")
