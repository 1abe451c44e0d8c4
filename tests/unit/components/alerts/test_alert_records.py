"""Alert records: runbook, cases, and the rules rendered from them."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from meshed_mcp.components.alerts.catalog import CATALOG, OBSERVABILITY_ALERTS
from meshed_mcp.components.alerts.platform import GRAFANA_JOB, JAEGER
from meshed_mcp.components.alerts.record import Alert, Component, Scope
from meshed_mcp.components.alerts.rule import DASHBOARDS, Links, alert_rules, duration
from meshed_mcp.components.autoscaling.forecast.args import ForecastSettings
from meshed_mcp.components.core.scraping import GRAFANA_SERVICE
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.dashboards.records import Uid
from meshed_mcp.components.observability.prometheus.alert_rules import alert_rules as prometheus_rule
from meshed_mcp.components.observability.tracing import jaeger
from tests.stacks import ROOT

RUNBOOKS = ROOT / "docs" / "runbooks"
CASES = ROOT / "tests" / "promql" / "alerts"
OF_THE_CHART = {"Watchdog"}
"""Alerts of kube-prometheus-stack that our routes name."""

SECTIONS = ["## Meaning", "## Impact", "## Diagnosis", "## Mitigation"]
SCOPE = Scope("monitoring", 1, servers=("mcp-rag",), name="mcp-rag", replica_month_cost=7)
LINKS = Links("https://wiki.example/runbooks", "https://grafana.example")
ALERTS = [pytest.param(alert, id=alert.name) for alert in CATALOG.values()]


def stems(folder: Path, pattern: str) -> set[str]:
    """Names of the files without their suffix."""
    return {path.stem for path in folder.glob(pattern)}


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    """Requirement OBS-4: an on-call engineer finds a runbook for each alert, and no runbook is out of date."""
    assert stems(RUNBOOKS, "*.md") == CATALOG.keys() | OF_THE_CHART


def test_every_alert_has_promtool_cases() -> None:
    """Requirement OBS-4: each alert has promtool cases."""
    assert stems(CASES, "*.yaml") == CATALOG.keys()


@pytest.mark.parametrize("path", sorted(CASES.glob("*.yaml")), ids=lambda path: path.stem)
def test_alert_cases_have_series_that_fire_and_series_that_do_not(path: Path) -> None:
    """Requirement OBS-4: the cases cover both outcomes; promtool evaluates them in tests/promql."""
    cases = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert cases
    assert all(case["summary"] and case["fires"] and case["quiet"] for case in cases)
    assert all(case["fires"] != case["quiet"] for case in cases)


@pytest.mark.parametrize("page", sorted(RUNBOOKS.glob("*.md")), ids=lambda page: page.stem)
def test_runbook_has_its_four_sections(page: Path) -> None:
    """runbooks.prometheus-operator.dev, template: meaning, impact, diagnosis, mitigation; none is empty."""
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {page.stem}\n")
    assert re.findall(r"^## .*$", text, re.MULTILINE) == SECTIONS
    assert all(len(part.strip()) > 20 for part in re.split(r"^#+ .*$", text, flags=re.MULTILINE)[2:])


def rules(alert: Alert) -> list[dict[str, Any]]:
    """The rules of an alert with its defaults."""
    return list(alert_rules(alert, SCOPE, LINKS))


@pytest.mark.parametrize("alert", ALERTS)
def test_rule_names_object_severity_and_links(alert: Alert) -> None:
    """Requirement OBS-4: the summary names the object; runbook and dashboard are one click away."""
    for rule in rules(alert):
        labels, notes = rule["labels"], rule["annotations"]
        assert labels["severity"] in {"critical", "warning", "info"}
        assert labels["component"] in set(Component)
        about_the_stack = {"KEDAOperatorMissing", "GrafanaDown", "MCPCostBudget", "MCPFastScalerDown"}
        assert "$labels" in notes["summary"] or alert.name in about_the_stack | {"MCPServiceBudget"}
        assert not notes["summary"].endswith(".")
        assert notes["description"].endswith(".")
        assert notes["runbook_url"] == f"https://wiki.example/runbooks/{alert.name}.md"
        assert notes["dashboard_url"].startswith(f"https://grafana.example/d/{DASHBOARDS[alert.component]}")


@pytest.mark.parametrize("alert", ALERTS)
def test_no_placeholder_is_left_in_an_alert_text(alert: Alert) -> None:
    """Requirement OBS-4: `<threshold>` in a notification does not help its reader."""
    assert not re.search(r"<[a-z ]+>", str([rule["annotations"] for rule in rules(alert)]))


@pytest.mark.parametrize("alert", ALERTS)
def test_threshold_of_an_alert_is_in_its_expression(alert: Alert) -> None:
    """Requirement OBS-14: the alert's threshold changes its expression."""
    if alert.threshold is None:
        assert alert.expression(SCOPE) == alert.expression(SCOPE._replace(threshold=2))
    else:
        assert alert.threshold.minimum <= alert.threshold.default <= alert.threshold.maximum
        assert alert.expression(SCOPE) != alert.expression(SCOPE._replace(threshold=2))


def test_dashboards_of_alerts_exist() -> None:
    """Requirement OBS-4: each dashboard link of an alert leads to an installed dashboard."""
    assert set(DASHBOARDS.values()) <= {uid.value for uid in Uid}
    assert DASHBOARDS.keys() == set(Component)


def test_names_repeated_in_alerts_equal_those_of_the_components() -> None:
    """Requirement CFG-5: a name that an alert repeats is compared with its source."""
    assert (GRAFANA_JOB, JAEGER) == (GRAFANA_SERVICE, jaeger.NAME)
    forecast = CATALOG["MCPForecastMisses"].threshold
    assert forecast is not None
    assert forecast.default == ForecastSettings().trusted_error_percent / 100


def test_stack_renders_every_unconditional_alert_of_the_catalog() -> None:
    """Requirement OBS-4: a stack without settings gets all alerts on monitoring, mesh and servers."""
    (group,) = prometheus_rule(ObservabilityStackArgs())["spec"]["groups"]
    assert {rule["alert"] for rule in group["rules"]} == {alert.name for alert in OBSERVABILITY_ALERTS}


def test_alert_links_use_the_addresses_of_the_stack() -> None:
    """Requirement OBS-4: links open from outside the cluster once the stack sets the addresses."""
    raw = {"runbooks_url": "https://wiki.example/runbooks", "grafana": {"url": "https://grafana.example/"}}
    (group,) = prometheus_rule(ObservabilityStackArgs.model_validate(raw))["spec"]["groups"]
    (notes,) = (rule["annotations"] for rule in group["rules"] if rule["alert"] == "MCPServerDown")
    assert notes["runbook_url"] == "https://wiki.example/runbooks/MCPServerDown.md"
    assert notes["dashboard_url"].startswith("https://grafana.example/d/mcp-services?")


@pytest.mark.parametrize(("seconds", "text"), [(0, "0s"), (90, "90s"), (300, "5m"), (5400, "90m"), (86_400, "24h")])
def test_seconds_are_rendered_as_a_duration(seconds: int, text: str) -> None:
    """Prometheus, "Duration literals": digits and one unit."""
    assert duration(seconds) == text
