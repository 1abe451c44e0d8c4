"""Validation of monitoring."""

from typing import Any

import pytest

from meshed_mcp.components.autoscaling.forecast.rules import forecast_rules
from meshed_mcp.components.core.errors import ConfigurationError, model_issues
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.infra.plan import planned

SERVICES = {"mcp-rag": {"image": "registry.example/rag:1"}}


def refusals(observability: dict[str, Any]) -> list[str]:
    """Issues of a stack with these settings of monitoring, as lines."""
    try:
        planned({"meshed-mcp:services": SERVICES, "meshed-mcp:observability": observability})
    except ConfigurationError as error:
        return [str(issue) for issue in error.issues]
    return []


def test_retention_larger_than_the_volume_is_rejected() -> None:
    """Requirement CFG-7: a retention larger than the volume could never be kept."""
    (text,) = refusals({"prometheus": {"retention_days": 3650, "storage_gib": 10}})
    assert text.startswith("observability: prometheus.retention_days: 3650 days of the fewest replicas with one tool ")
    size = text.rpartition("set storage_gib: ")[2].partition(",")[0]
    assert refusals({"prometheus": {"retention_days": 3650, "storage_gib": int(size)}}) == []


def test_an_slo_for_an_unknown_service_is_rejected() -> None:
    """Requirement CFG-8: a misspelled service name would leave an objective without effect."""
    (text,) = refusals({"slo": {"services": {"mcp-rga": {"availability_percent": 99.9}}}})
    assert text == "observability: slo.services.mcp-rga: there is no service mcp-rga; did you mean mcp-rag?"
    assert refusals({"slo": {"services": {"mcp-rag": {"availability_percent": 99.9}}}}) == []


@pytest.mark.parametrize("percent", [100, 101, 0.995])
def test_an_objective_without_an_error_budget_or_as_a_ratio_is_rejected(percent: float) -> None:
    """Requirement CFG-9: objectives of 100 % have no budget, and a ratio is not a percentage."""
    (text,) = refusals({"slo": {"default": {"availability_percent": percent}}})
    assert text.startswith("observability: slo.default.availability_percent: ")
    assert "set" in text or "at" in text


@pytest.mark.parametrize(
    ("login", "text"),
    [
        ({"username": "ops"}, ("username is set without password, so no login works; set password: {secret: ...")),
        (
            {"password": {"secret": "mail", "key": "password"}},
            "password is set without username, so no login works; set username: the account's name",
        ),
    ],
)
def test_half_of_a_mail_login_is_rejected(login: dict[str, Any], text: str) -> None:
    """Alertmanager, `auth_username` and `auth_password_file`: both or neither."""
    email = {"to": "a@example.com", "sender": "b@example.com", "smarthost": "smtp.example.com:587", **login}
    (fault,) = model_issues(ObservabilityStackArgs, {"alertmanager": {"email": email}}, "observability")
    assert text in str(fault)
    assert str(fault).startswith("observability: alertmanager.email")


def test_a_secret_without_its_key_is_rejected() -> None:
    """Requirement CFG-7: a Secret reference names its key."""
    (fault,) = model_issues(ObservabilityStackArgs, {"alertmanager": {"webhook": {"secret": "pager"}}}, "observability")
    assert str(fault).startswith("observability: alertmanager.webhook.key: ")


def test_alerts_on_scaling_have_runbooks_and_dashboards() -> None:
    """Requirement OBS-4: every alert has a runbook and a dashboard link, those of scaling too."""
    values = {
        "meshed-mcp:services": {"mcp-rag": {**SERVICES["mcp-rag"], "scaling": {"max_replicas": 4}}},
        "meshed-mcp:observability": {
            "runbooks_url": "https://wiki.example/runbooks",
            "grafana": {"url": "https://grafana.example"},
        },
    }
    (rule,) = forecast_rules(planned(values).autoscaling)
    alerts = [each for group in rule["spec"]["groups"] for each in group["rules"] if "alert" in each]
    assert alerts
    for each in alerts:
        assert each["annotations"]["runbook_url"] == f"https://wiki.example/runbooks/{each['alert']}.md"
        assert each["annotations"]["dashboard_url"] == "https://grafana.example/d/mcp-autoscaling"
