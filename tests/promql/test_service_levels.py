"""Recording rules of service levels, evaluated by the real promtool."""

from pathlib import Path
from typing import Any

import pytest

from meshed_mcp import contract
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.prometheus.alert_rules import alert_rules
from meshed_mcp.components.observability.prometheus.recording_rules import recording_rules
from meshed_mcp.components.observability.prometheus.slo import SloSettings
from meshed_mcp.components.promql import sli
from tests.promql.rule_cases import OF_SERVER, promtool_failures, run_promtool, series, write_rules

pytestmark = pytest.mark.engine("promtool")

COUNT = f"{contract.METRIC_OPERATION_DURATION}_count"
BUCKET = f"{contract.METRIC_OPERATION_DURATION}_bucket"
CALL = {contract.LABEL_METHOD: "tools/call", contract.LABEL_TOOL: "search"}


def calls(per_minute: int, error: str = "", **labels: str) -> dict[str, str]:
    """Calls of the tool "search" that ended with `error`."""
    return series(COUNT, f"0+{per_minute}x130", **CALL | {contract.LABEL_ERROR: error} | labels)


def fast(per_minute: int, le: str) -> dict[str, str]:
    """Calls that took at most `le` seconds."""
    return series(BUCKET, f"0+{per_minute}x130", **CALL, le=le)


def failures_after_two_hours(
    promtool: Path,
    folder: Path,
    given: list[dict[str, str]],
    expected: dict[str, float | None],
    settings: dict[str, Any] | None = None,
) -> str:
    """Failures of promtool for `expected` (expression -> rounded value, None = absent) after two hours."""
    rules = recording_rules(SloSettings.model_validate(settings or {}), 15, "monitoring")
    checks = [
        {
            "expr": f"round({name}{{{OF_SERVER}}}, 0.0001)",
            "eval_time": "2h",
            "exp_samples": [] if value is None else [{"labels": f"{{{OF_SERVER}}}", "value": value}],
        }
        for name, value in expected.items()
    ]
    case = {"interval": "1m", "input_series": given, "promql_expr_test": checks}
    return promtool_failures(promtool, folder, [rules], case, "15s")


def test_all_rules_of_a_stack_pass_the_linter(promtool: Path, tmp_path: Path) -> None:
    """Prometheus, `promtool check rules --lint=all`: every rule is valid and no rule is duplicated."""
    raw = {"default": {"latency_seconds": 5}, "services": {"mcp-rag": {"tools": {"a.b": {"latency_seconds": 60}}}}}
    rules = recording_rules(SloSettings.model_validate(raw), 15, "monitoring")
    path = write_rules(tmp_path, [rules, alert_rules(ObservabilityStackArgs())])
    assert run_promtool(promtool, "check", "rules", "--lint=all", "--lint-fatal", path) == ""


def test_caller_errors_do_not_spend_the_error_budget(promtool: Path, tmp_path: Path) -> None:
    """OpenTelemetry MCP conventions: -32602 and its like should not count as errors of the server."""
    given = [calls(90), calls(10, "tool_error"), calls(100, "-32602"), calls(50, "cancelled")]
    expected: dict[str, float | None] = {sli.ratio_name("server", "errors", window): 0.1 for window in ("5m", "1h")}
    assert failures_after_two_hours(promtool, tmp_path, given, expected) == ""


def test_error_budget_is_full_without_failures_and_negative_when_overspent(promtool: Path, tmp_path: Path) -> None:
    """SRE Workbook: 1 is the whole budget; 1 % of failures against 0.5 % allowed is twice the budget."""
    left = sli.budget_remaining_name("errors")
    assert failures_after_two_hours(promtool, tmp_path, [calls(100)], {left: 1}) == ""
    assert failures_after_two_hours(promtool, tmp_path, [calls(99), calls(1, "tool_error")], {left: -1}) == ""


def test_tool_is_judged_by_its_own_latency_objective(promtool: Path, tmp_path: Path) -> None:
    """Requirement OBS-11: a tool with a 10 s objective does not spend the budget of a 2 s service."""
    given = [calls(100), fast(40, "2.0"), fast(95, "10.0")]
    share = sli.ratio_name("server", "slow_calls", "1h")
    assert failures_after_two_hours(promtool, tmp_path, given, {share: 0.6}) == ""
    settings = {"services": {"mcp-rag": {"tools": {"search": {"latency_seconds": 10}}}}}
    assert failures_after_two_hours(promtool, tmp_path, given, {share: 0.05}, settings) == ""


def test_service_without_traffic_has_no_ratio(promtool: Path, tmp_path: Path) -> None:
    """Requirement OBS-5: 0/0 is not a number, so no alert fires on it."""
    assert (
        failures_after_two_hours(promtool, tmp_path, [calls(0)], {sli.ratio_name("server", "errors", "1h"): None}) == ""
    )


def test_registry_objective_counts_http_500_and_not_404(promtool: Path, tmp_path: Path) -> None:
    """Requirement OBS-11: the registry serves plain HTTP; 404 is a valid response, 500 a failure."""
    of = {contract.LABEL_SERVER: contract.REGISTRY_NAME}
    given = [
        series(f"{contract.METRIC_HTTP_DURATION}_count", f"0+{each}x130", http_response_status_code=status, **of)
        for status, each in (("200", 95), ("404", 50), ("500", 5))
    ]
    labels = f'namespace="mcp-system",{contract.LABEL_SERVER}="{contract.REGISTRY_NAME}"'
    name = sli.ratio_name("server", "errors", "1h")
    check = {
        "expr": f"round({name}, 0.0001)",
        "eval_time": "2h",
        "exp_samples": [{"labels": f"{{{labels}}}", "value": 0.05}],
    }
    case = {"interval": "1m", "input_series": given, "promql_expr_test": [check]}
    assert promtool_failures(promtool, tmp_path, [recording_rules(SloSettings(), 15, "monitoring")], case, "15s") == ""


@pytest.mark.parametrize(
    "raw", [{"availability_percent": 100}, {"latency_percent": 100}, {"availability_percent": 0.99}]
)
def test_objective_without_a_budget_or_written_as_a_ratio_is_rejected(raw: dict[str, float]) -> None:
    """Requirement CFG-9: 100 % leaves no budget to burn, and 0.99 is a ratio where a percentage is expected."""
    with pytest.raises(ValueError, match=r"less than or equal to 99.999|greater than or equal to 50"):
        SloSettings.model_validate({"default": raw})


def test_latency_threshold_that_is_no_bucket_bound_is_rejected_with_the_bounds() -> None:
    """Prometheus: a histogram counts only at its bucket bounds."""
    with pytest.raises(
        ValueError, match=r"3 s is not a bucket bound of the duration histogram; use one of 0.01, .*, 2, 5"
    ):
        SloSettings.model_validate({"default": {"latency_seconds": 3}})


def responses(per_minute: int, status: str) -> dict[str, str]:
    """Responses of a server without the runtime, as its sidecar counts them."""
    labels = {contract.LABEL_CLUSTER: "inbound|8000||", contract.LABEL_STATUS_CLASS: status}
    return series(contract.METRIC_PROXY_RESPONSES, f"0+{per_minute}x130", **labels)


def within(per_minute: int, milliseconds: str) -> dict[str, str]:
    """Responses that took at most some milliseconds."""
    labels = {contract.LABEL_CLUSTER: "inbound|8000||", "le": milliseconds}
    return series(f"{contract.METRIC_PROXY_DURATION}_bucket", f"0+{per_minute}x130", **labels)


def test_server_without_the_runtime_is_judged_by_its_responses(promtool: Path, tmp_path: Path) -> None:
    """Requirement SIG-3: 5xx are errors, 4xx do not count, and slow is what exceeds the objective."""
    given = [responses(90, "2xx"), responses(10, "5xx"), responses(300, "4xx")]
    given += [within(40, "2000"), within(100, "+Inf")]
    expected: dict[str, float | None] = {
        sli.ratio_name("server", "errors", "1h"): 0.1,
        sli.ratio_name("server", "slow_calls", "1h"): 0.6,
        sli.budget_remaining_name("errors"): -19,
    }
    assert failures_after_two_hours(promtool, tmp_path, given, expected) == ""


def test_server_without_the_runtime_has_its_own_objective(promtool: Path, tmp_path: Path) -> None:
    """Requirement SIG-3: the latency objective of a service applies to its responses."""
    given = [responses(100, "2xx"), within(40, "2000"), within(95, "10000"), within(100, "+Inf")]
    own = {"services": {"mcp-rag": {"latency_seconds": 10}}}
    share = sli.ratio_name("server", "slow_calls", "1h")
    assert failures_after_two_hours(promtool, tmp_path, given, {share: 0.05}, own) == ""


def test_server_without_the_runtime_and_without_failures_has_no_errors(promtool: Path, tmp_path: Path) -> None:
    """Requirement OBS-5: a server that never failed shows 0, not nothing."""
    given = [responses(100, "2xx"), within(100, "2000"), within(100, "+Inf")]
    ratio = sli.ratio_name("server", "errors", "1h")
    assert failures_after_two_hours(promtool, tmp_path, given, {ratio: 0}) == ""
