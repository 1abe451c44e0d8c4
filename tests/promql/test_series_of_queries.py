"""Every series that panels, rules and alerts query is in the catalog or recorded by a rule."""

from collections.abc import Iterator
from typing import Any

import promql_parser

from meshed_mcp import contract
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs, ScalingTarget
from meshed_mcp.components.autoscaling.forecast.args import ForecastSettings
from meshed_mcp.components.autoscaling.forecast.rules import forecast_groups
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.manifests import prometheus_rules
from meshed_mcp.components.observability.metrics.catalog import labels_by_series
from tests.promql.alert_cases import rendered_rules
from tests.promql.test_expressions import expressions

RULES: list[dict[str, Any]] = [
    rule
    for item in prometheus_rules(ObservabilityStackArgs())
    for group in item["spec"]["groups"]
    for rule in group["rules"]
]
POLICY = AutoscalingPolicyArgs(targets={"mcp-rag": ScalingTarget()}, prometheus_url="http://prometheus:9090")
FORECAST: list[dict[str, Any]] = [
    rule for group in forecast_groups(POLICY, ["mcp-rag"], ForecastSettings()) for rule in group["rules"]
]
RECORDED = {rule["record"] for rule in [*RULES, *FORECAST] if "record" in rule}
OF_AGENTS = {contract.METRIC_FAST_SCALER_ANSWERED: {"namespace", "pod"}}
"""Series of the autoscaler agents, which the catalog does not list -> their labels."""

PARTS = ("lhs", "rhs", "expr", "args", "vector_selector")


def selectors(node: Any) -> Iterator[promql_parser.VectorSelector]:
    """All series selectors of a parsed expression."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    for part in PARTS:
        inner = getattr(node, part, None)
        for each in inner if isinstance(inner, list) else [inner]:
            if each is not None:
                yield from selectors(each)


def names(selector: promql_parser.VectorSelector) -> list[str]:
    """Names of the series that one selector means; a pattern lists them with "|"."""
    if selector.name:
        return [selector.name]
    return [name for match in selector.matchers.matchers if match.name == "__name__" for name in match.value.split("|")]


def unknown(text: str) -> list[str]:
    """Series, or labels of series, that an expression queries and no process exports."""
    known, found = labels_by_series() | OF_AGENTS, []
    for selector in selectors(promql_parser.parse(text)):
        asked = {match.name for match in selector.matchers.matchers} - {"__name__"}
        for name in set(names(selector)) - RECORDED:
            missing = asked - known[name] if name in known else {"?"}
            found += [f"{name}{sorted(missing)}"] if missing else []
    return found


def test_queries_read_only_exported_series() -> None:
    """Requirement OBS-1: a panel or an alert on a series that is never exported stays empty."""
    texts = [*expressions(), *(rule["expr"] for rule in [*RULES, *rendered_rules()])]
    assert [fault for text in texts for fault in unknown(text)] == []


def test_unknown_series_and_unknown_label_are_found() -> None:
    """Requirement PRJ-1: a query of an unknown series or label fails the check."""
    assert unknown("sum(rate(mcp_tool_calls_total[5m])) / up") == ["mcp_tool_calls_total['?']"]
    assert unknown('up{team="a"} == 0') == ["up['team']"]
