"""PromQL of usage: calls by organization and tool, tokens of models. No series identifies a user."""

from meshed_mcp import contract
from meshed_mcp.components.promql import sli, traffic

RANGE = "$__range"
"""Grafana's macro for the time range; `$__range_s` is the same in seconds."""


def calls_by_organization(select: str) -> str:
    """Tool calls per second, per organization."""
    return f"sum by ({contract.LABEL_ORGANIZATION}) ({sli.USAGE}{{{select}}})"


def top_organizations(count: int, select: str, *labels: str) -> str:
    """Calls in the time range of the `count` organizations with most calls, or of their pairs with further labels."""
    by = ", ".join((contract.LABEL_ORGANIZATION, *labels))
    return f"topk({count}, sum by ({by}) ({_calls(sli.USAGE, select, RANGE, '$__range_s')}))"


def tool_ranking(count: int, select: str, window: str = RANGE, seconds: str = "$__range_s") -> str:
    """Calls in `window` of the `count` most called tools, per server and tool."""
    counted = _calls(sli.DURATIONS, f"{select},{traffic.ALL_CALLS}", window, seconds)
    return f"topk({count}, sum by ({contract.LABEL_SERVER}, {contract.LABEL_TOOL}) ({counted}))"


def organizations(select: str, window: str = RANGE) -> str:
    """Number of organizations with calls in `window`."""
    return f"count(sum by ({contract.LABEL_ORGANIZATION}) (avg_over_time({sli.USAGE}{{{select}}}[{window}])) > 0)"


def tokens(select: str) -> str:
    """Tokens per second, per model and type."""
    return f"sum by (model, token_type) ({sli.TOKENS}{{{select}}})"


def tokens_in_range(select: str, window: str = RANGE, seconds: str = "$__range_s") -> str:
    """Tokens in `window`, per model and type."""
    return f"sum by (model, token_type) ({_calls(sli.TOKENS, select, window, seconds)})"


def exported_usage(window: str, step_seconds: int) -> str:
    """Tool calls in `window`, per namespace, server, organization and tool, for the usage export.

    `step_seconds`: interval of the recorded rates; each sample stands for the calls of one interval.
    """
    by = f"namespace, {contract.LABEL_SERVER}, {contract.LABEL_ORGANIZATION}, {contract.LABEL_TOOL}"
    return f"sum by ({by}) (sum_over_time({sli.USAGE}[{window}]) * {step_seconds}) > 0"


def _calls(series: str, select: str, window: str, seconds: str) -> str:
    return f"avg_over_time({series}{{{select}}}[{window}]) * {seconds}"
