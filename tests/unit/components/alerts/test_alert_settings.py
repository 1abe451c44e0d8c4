"""Settings of alerts: validation, and their effect on the rules of every component."""

from typing import Any

import pytest

from meshed_mcp.components.alerts.settings import AlertSettings, seconds_of
from meshed_mcp.components.autoscaling.fast_scaler.manifests import fast_scaler_manifests
from meshed_mcp.components.autoscaling.forecast import rules as forecast_rules
from meshed_mcp.components.core.errors import ConfigurationError, model_issues
from meshed_mcp.components.core.schema import Schema
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.prometheus.alert_rules import alert_rules
from meshed_mcp.infra.plan import Plan, planned


def stack(alerts: dict[str, Any]) -> Plan:
    """Plan of a stack with these alert settings and every part that renders alerts."""
    scaling = {"max_replicas": 4, "in_flight_per_replica": 10}
    return planned(
        {
            "meshed-mcp:services": {"mcp-rag": {"image": "registry.example/rag:1", "scaling": scaling}},
            "meshed-mcp:observability": {"alerts": alerts},
            "meshed-mcp:keda": {"fast_scaler": {"image": "runtime:1"}},
        }
    )


def rules(name: str, alerts: dict[str, Any]) -> list[dict[str, Any]]:
    """The rules of one alert in such a stack."""
    plan = stack(alerts)
    policy = plan.autoscaling
    objects = [alert_rules(plan.observability), *forecast_rules.forecast_rules(policy), *fast_scaler_manifests(policy)]
    groups = [group for item in objects if item["kind"] == "PrometheusRule" for group in item["spec"]["groups"]]
    return [rule for group in groups for rule in group["rules"] if rule.get("alert") == name]


def test_for_severity_and_threshold_of_an_alert_are_changed() -> None:
    """Requirement OBS-14: a stack tunes one alert and leaves the others as they are."""
    changed = {"for": "1h30m", "severity": "critical", "threshold": 0.75}
    (rule,) = rules("MCPServerSaturated", {"MCPServerSaturated": changed})
    assert (rule["for"], rule["labels"]["severity"]) == ("90m", "critical")
    assert rule["expr"].endswith("> 0.75")
    assert "above 75% for" in rule["annotations"]["description"]
    assert rules("MCPServerDown", {"MCPServerSaturated": changed}) == rules("MCPServerDown", {})


@pytest.mark.parametrize(
    "name", ["MCPServerDown", "MCPServerErrorBudgetBurn", "KEDAOperatorMissing", "MCPFastScalerDown"]
)
def test_disabled_alert_is_not_rendered(name: str) -> None:
    """Requirement OBS-14: one key disables an alert of any component, with all its windows."""
    assert rules(name, {})
    assert rules(name, {name: {"enabled": False}}) == []


def test_group_without_rules_is_not_rendered() -> None:
    """Prometheus operator, PrometheusRule: a group that a disabled alert leaves empty serves no purpose."""
    plan = stack({"KEDAOperatorMissing": {"enabled": False}, "MCPFastScalerDown": {"enabled": False}})
    objects = [*forecast_rules.forecast_rules(plan.autoscaling), *fast_scaler_manifests(plan.autoscaling)]
    groups = [group for item in objects if item["kind"] == "PrometheusRule" for group in item["spec"]["groups"]]
    assert all(group["rules"] for group in groups)


def test_autoscaling_alert_takes_the_settings_of_the_stack() -> None:
    """Requirement CFG-5: `observability.alerts` is the one source, whichever component renders the alert."""
    (rule,) = rules("MCPFastScalerDown", {"MCPFastScalerDown": {"for": "5m", "threshold": 120}})
    assert rule["for"] == "5m"
    assert "> 120 or" in rule["expr"]


def test_severity_and_minimum_traffic_of_a_burn_rate_alert_apply_to_all_windows() -> None:
    """Requirement OBS-14: windows, factors and `for` of burn-rate alerts stay those of the SRE Workbook's table."""
    changed = {"severity": "warning", "threshold": 1000}
    found = rules("MCPServerErrorBudgetBurn", {"MCPServerErrorBudgetBurn": changed})
    assert [rule["labels"]["window"] for rule in found] == ["1h", "6h", "1d", "3d"]
    assert {rule["labels"]["severity"] for rule in found} == {"warning"}
    assert all(">= 1000)" in rule["expr"] for rule in found)


@pytest.mark.parametrize(
    ("alerts", "text"),
    [
        ({"MCPServerDwn": {"enabled": False}}, "alerts: MCPServerDwn: unknown alert; did you mean MCPServerDown?"),
        ({"mcpserverdown": {}}, "alerts: mcpserverdown: unknown alert; did you mean MCPServerDown?"),
        ({"Disk": {}}, "alerts: Disk: unknown alert; set a name of docs/reference/alerts.md"),
        (
            {"MCPServerDown": {"threshold": 2}},
            "alerts: MCPServerDown.threshold: this alert has no threshold; set for, severity, or enabled: false",
        ),
        (
            {"MCPServerSaturated": {"threshold": 90}},
            "alerts: MCPServerSaturated.threshold: 90 is out of range; set 0.1 to 0.99 (ratio)",
        ),
        (
            {"MCPServerSaturated": {"threshold": float("nan")}},
            "alerts.MCPServerSaturated.threshold: input should be a finite number; got nan",
        ),
        (
            {"MCPCostBudget": {"threshold": 90}},
            "alerts: MCPCostBudget.threshold: cannot be set here; set meshed-mcp:observability.monthly_cost_budget",
        ),
        (
            {"MCPServerDown": {"for": 300}},
            "alerts: MCPServerDown.for: '300' is not a Prometheus duration; set 300s",
        ),
        (
            {"MCPServerDown": {"for": "5 minutes"}},
            "alerts: MCPServerDown.for: '5 minutes' is not a Prometheus duration; set a duration such as 5m",
        ),
        ({"MCPServerDown": {"for": "30d"}}, "alerts: MCPServerDown.for: 30d is longer than 7d; set 7d or less"),
        (
            {"MCPToolErrorRate": {"for": "5m"}},
            (
                "alerts: MCPToolErrorRate.for: cannot be set, because each window of a burn-rate alert has its own; "
                "set severity, threshold, or enabled: false"
            ),
        ),
        (
            {"MCPServerDown": {"severity": "page"}},
            "alerts.MCPServerDown.severity: 'page' is not a choice; known here: critical, warning, info",
        ),
        ({"MCPServerDown": {"fro": "5m"}}, "alerts.MCPServerDown.fro: unknown field; did you mean for?"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_wrong_setting_is_rejected_with_what_to_set_instead(alerts: dict[str, Any], text: str) -> None:
    """Requirement CFG-2: a wrong alert setting ends at preview with one line per error."""
    assert [str(fault) for fault in model_issues(ObservabilityStackArgs, {"alerts": alerts}, "observability")] == [
        f"observability: {text}"
    ]


def test_every_wrong_setting_is_reported_at_once() -> None:
    """Requirement CFG-3: all errors of the alert settings are reported in one run."""
    with pytest.raises(ConfigurationError) as raised:
        stack({"MCPServerDown": {"for": "x", "threshold": 1}, "Nothing": {}})
    assert len(raised.value.issues) == 3


def test_alert_settings_have_the_same_keys_in_other_languages() -> None:
    """Requirement CMP-5: other languages send `for`, which is a reserved word in Python."""
    settings = AlertSettings.model_validate({"for": "5m"})
    assert settings == AlertSettings(for_="5m")
    assert settings.model_dump(by_alias=True, exclude_unset=True) == {"for": "5m"}
    schema = Schema()
    schema.object_spec(ObservabilityStackArgs)
    assert set(schema.types["meshed-mcp:index:AlertSettings"]["properties"]) == {
        "enabled",
        "for",
        "severity",
        "threshold",
    }


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0s", 0), ("5m", 300), ("1h30m", 5400), ("2d", 172_800), ("", None), ("m", None), ("5", None)],
)
def test_duration_is_read_as_prometheus_reads_it(text: str, seconds: int | None) -> None:
    """Prometheus, "Duration literals": units from the largest to the smallest."""
    assert seconds_of(text) == seconds
