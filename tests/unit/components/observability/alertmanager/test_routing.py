"""Receivers and routes of Alertmanager."""

from typing import Any

import pytest
from pydantic import ValidationError

from meshed_mcp.components.observability.alertmanager.routing import GROUP_BY, alertmanager_config
from meshed_mcp.components.observability.args import AlertmanagerSettings, ObservabilityStackArgs
from meshed_mcp.components.observability.prometheus.values import alertmanager_values

EMAIL = {"to": "operators@example.com", "sender": "alerts@example.com", "smarthost": "smtp.example.com:587"}


def values(**settings: Any) -> dict[str, Any]:
    """Values of the chart's Alertmanager."""
    return alertmanager_values(ObservabilityStackArgs.model_validate({"alertmanager": settings}))


def test_secrets_are_mounted_and_read_from_files() -> None:
    """Prometheus operator, AlertmanagerSpec.secrets: mounted below /etc/alertmanager/secrets/<name>."""
    password, url = {"secret": "smtp", "key": "password"}, {"secret": "pager", "key": "url"}
    found = values(email=EMAIL | {"username": "alerts", "password": password}, webhook=url, heartbeat=url)
    assert found["alertmanagerSpec"]["secrets"] == ["pager", "smtp"]
    receivers = {item["name"]: item for item in found["config"]["receivers"]}
    path = receivers["email"]["email_configs"][0]["auth_password_file"]
    assert path == "/etc/alertmanager/secrets/smtp/password"
    assert receivers["webhook"]["webhook_configs"][0]["url_file"] == "/etc/alertmanager/secrets/pager/url"
    assert receivers["heartbeat"]["webhook_configs"][0]["send_resolved"] is False


def test_stack_without_receivers_sends_nothing() -> None:
    """Requirement CMP-8: a stack without receivers shows its alerts and needs no Secret."""
    found = values()
    assert found["alertmanagerSpec"]["secrets"] == []
    assert [item["name"] for item in found["config"]["receivers"]] == ["null"]


def test_alerts_are_grouped_by_server() -> None:
    """Requirement OBS-6: ten pods of one server are one notification, two servers are two."""
    assert alertmanager_config(AlertmanagerSettings())["route"]["group_by"] == GROUP_BY
    assert GROUP_BY == ["alertname", "namespace", "mcp_server_name"]


@pytest.mark.parametrize(
    ("field", "value", "advice"),
    [
        ("smarthost", "smtp.example.com", r"not a host with a port; use one such as 'smtp.example.com:587'"),
        ("to", "operators", r"not a mail address; use one such as 'operators@example.com'"),
        ("password", {"secret": "smtp", "key": "a/b"}, r"not a key of a Secret; use letters, digits"),
    ],
)
def test_invalid_receiver_is_rejected_with_what_to_set(field: str, value: object, advice: str) -> None:
    """Requirement CFG-1: a wrong receiver ends at preview, not in the log of Alertmanager."""
    with pytest.raises(ValidationError, match=advice):
        AlertmanagerSettings.model_validate({"email": EMAIL | {field: value}})


def test_grafana_url_without_scheme_is_rejected() -> None:
    """Requirement CFG-7: a link of an alert must open in a browser."""
    with pytest.raises(
        ValidationError, match=r"'grafana' is not a web address; use an http or https URL, such as 'https://grafana"
    ):
        ObservabilityStackArgs.model_validate({"grafana": {"url": "grafana"}})
