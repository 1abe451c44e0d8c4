"""Rules of the forecast: prediction modes, names, and validation."""

from typing import Any

import pytest

from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs, Prediction, ScalingSettings
from meshed_mcp.components.autoscaling.forecast.rules import forecast_rules, prediction
from meshed_mcp.components.autoscaling.scalers import autoscaler_manifests as scalers
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.components.promql import forecast
from meshed_mcp.infra.checks.schema import schema_issues


def policy(mode: Any = "forecast-only", keda: str = "component", **settings: Any) -> AutoscalingPolicyArgs:
    """A policy with one target."""
    raw = {"targets": {"mcp-rag": settings}, "prometheus_url": "http://prometheus", "keda": {"install": keda}}
    return AutoscalingPolicyArgs.model_validate({**raw, "forecast": {"mode": mode}})


def rules(args: AutoscalingPolicyArgs) -> list[str]:
    """Names of everything that is recorded or alerted."""
    groups = [group for item in forecast_rules(args) for group in item["spec"]["groups"]]
    return [rule.get("record") or rule["alert"] for group in groups for rule in group["rules"]]


def triggers(args: AutoscalingPolicyArgs) -> dict[str, Manifest]:
    """The scaler's triggers by name."""
    (item,) = scalers(args)
    return {trigger["name"]: trigger for trigger in item["spec"]["triggers"]}


def test_forecast_is_only_recorded_by_default() -> None:
    """Requirement SCL-5: `forecast-only` is the default, so its value is visible before it scales anything."""
    args = policy()
    assert forecast.TRUSTED in rules(args)
    assert "forecast" not in triggers(args)


def test_scaler_reads_the_trusted_forecast_and_ignores_its_absence() -> None:
    """KEDA, ignoreNullValues "true": an absent forecast is 0, and the largest trigger wins."""
    metadata = triggers(policy("on"))["forecast"]["metadata"]
    assert metadata["query"] == 'sum(mcp:load:forecast_trusted{namespace="mcp-system",mcp_server_name="mcp-rag"})'
    assert (metadata["ignoreNullValues"], metadata["threshold"]) == ("true", "28")
    assert triggers(policy("on"))["in-flight"]["metadata"]["ignoreNullValues"] == "false"


@pytest.mark.parametrize(("mode", "meant"), [(True, Prediction.ON), (False, Prediction.OFF), ("off", Prediction.OFF)])
def test_unquoted_on_and_off_are_read_as_prediction_modes(mode: Any, meant: Prediction) -> None:
    """YAML 1.1 reads them as booleans, YAML 1.2 as text."""
    assert ScalingSettings.model_validate({"prediction": mode}).prediction is meant


def test_service_may_override_the_prediction_of_its_stack() -> None:
    """Requirement SCL-5: prediction is turned on service by service."""
    assert "forecast" in triggers(policy("forecast-only", prediction="on"))
    assert forecast.FORECAST not in rules(policy("forecast-only", prediction="off"))


@pytest.mark.parametrize(
    "settings",
    [{"in_flight_per_replica": None}, {"version": "canary"}, {"min_replicas": 2, "max_replicas": 2}],
    ids=["no calls count", "canary", "fixed size"],
)
def test_no_forecast_rule_is_rendered_where_it_could_not_be_used(settings: dict[str, Any]) -> None:
    """Requirement CMP-8: a rule that no scaler reads would cost Prometheus an evaluation every minute."""
    args = policy("on", **settings)
    assert prediction(args.targets["mcp-rag"], args) is Prediction.OFF
    assert forecast.FORECAST not in rules(args)


def test_program_without_the_operator_gets_no_rules() -> None:
    """Prometheus operator: without its CRDs the API server rejects a PrometheusRule."""
    raw = {"targets": {"mcp-rag": {}}, "prometheus_url": "http://prometheus"}
    assert forecast_rules(AutoscalingPolicyArgs.model_validate(raw)) == []


def test_keda_down_alert_is_rendered_only_with_our_own_keda() -> None:
    """Measured: with no operator, a plain HPA beside KEDA's acted after 153 and 180 s instead of 10 to 15."""
    assert "KEDAOperatorMissing" in rules(policy("off"))
    assert "KEDAOperatorMissing" not in rules(policy("off", keda="existing"))


def test_longest_lag_fits_the_required_history() -> None:
    """Requirement SCL-5: the retention that `check` requires covers the oldest sample that a forecast reads."""
    assert max(forecast.DAYS) * 24 < forecast.HISTORY_HOURS


def test_forecast_rules_match_the_schema() -> None:
    """Prometheus operator's CRD, closed."""
    (item,) = forecast_rules(policy("on"))
    assert schema_issues(item) == []
