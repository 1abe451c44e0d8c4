"""The alert on a service's budget, evaluated by the real promtool."""

import json
from pathlib import Path

import pytest
from rule_cases import promtool_says

from meshed_mcp.components.autoscaling import forecast_rules
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs

pytestmark = pytest.mark.engine("promtool")


@pytest.mark.parametrize(("replicas", "fires"), [(5, False), (6, True)])
def test_it_fires_when_replicas_times_price_pass_the_budget(
    promtool: Path, tmp_path: Path, replicas: int, *, fires: bool
) -> None:
    """Issue, item 8: spend alert; 5 replicas of 7 are the 35 that were allowed."""
    target = {"monthly_budget": 35, "replica_month_cost": 7}
    raw = {"targets": {"mcp-rag": target}, "prometheus_url": "http://prometheus", "forecast": {"mode": "off"}}
    (item,) = forecast_rules.manifests(AutoscalingPolicyArgs.model_validate(raw))
    (tmp_path / "rules.yaml").write_text(json.dumps(item["spec"]), encoding="utf-8")
    series = 'kube_deployment_spec_replicas{namespace="mcp-system",deployment="mcp-rag"}'
    count = 'count(ALERTS{alertname="MCPServiceBudget",alertstate="firing"})'
    check = {"expr": count, "eval_time": "3h", "exp_samples": [{"labels": "{}", "value": 1}] if fires else []}
    inputs = [{"series": series, "values": f"{replicas}x200"}]
    case = {"interval": "1m", "input_series": inputs, "promql_expr_test": [check]}
    (tmp_path / "case.yaml").write_text(json.dumps({"rule_files": ["rules.yaml"], "tests": [case]}), encoding="utf-8")
    assert promtool_says(promtool, "test", "rules", tmp_path / "case.yaml") == ""
