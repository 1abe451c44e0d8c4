"""The alert on a service's budget, evaluated by the real promtool."""

from pathlib import Path

import pytest
from rule_cases import differs

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
    series = 'kube_deployment_spec_replicas{namespace="mcp-system",deployment="mcp-rag"}'
    count = 'count(ALERTS{alertname="MCPServiceBudget",alertstate="firing"})'
    check = {"expr": count, "eval_time": "3h", "exp_samples": [{"labels": "{}", "value": 1}] if fires else []}
    inputs = [{"series": series, "values": f"{replicas}x200"}]
    case = {"interval": "1m", "input_series": inputs, "promql_expr_test": [check]}
    assert differs(promtool, tmp_path, [item], case) == ""
