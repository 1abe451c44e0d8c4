"""Every alert on series that make it fire and on series that do not, evaluated by the real promtool."""

import re
from pathlib import Path
from typing import Any

import pytest
from alert_cases import CASES, Case
from rule_cases import differs

from meshed_mcp.components.observability.alerts import alert_rules
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.dashboards.config_maps import manifests as dashboards
from tests.stacks import STACKS, recording

RUNBOOKS = Path(__file__).parent.parent.parent / "docs" / "runbooks"
OF_THE_CHART = {"Watchdog"}
"""Alerts of kube-prometheus-stack that our routes name."""

RULES: list[dict[str, Any]] = alert_rules(ObservabilityStackArgs(monthly_cost_budget=1000))["spec"]["groups"][0][
    "rules"
]
SECTIONS = ["## Meaning", "## Impact", "## Diagnosis", "## Mitigation"]


def firing(promtool: Path, folder: Path, series: list[dict[str, str]], case: Case) -> bool:
    """Whether the alert fires; promtool wants to know how many, so it is asked for none."""
    alone = {"name": "one", "interval": "1m", "rules": [rule for rule in RULES if rule["alert"] == case.alert]}
    none = {
        "expr": f'count(ALERTS{{alertname="{case.alert}",alertstate="firing"}}) > 0',
        "eval_time": case.at,
        "exp_samples": [],
    }
    given = {"interval": "1m", "input_series": series, "promql_expr_test": [none]}
    found = differs(promtool, folder, [{"spec": {"groups": [alone]}}], given)
    assert found == "" or ("got:" in found and case.alert in found), found
    return found != ""


@pytest.mark.engine("promtool")
@pytest.mark.parametrize("case", [pytest.param(case, id=case.alert) for case in CASES])
def test_it_fires_when_it_should_and_only_then(promtool: Path, tmp_path: Path, case: Case) -> None:
    """Product rule: an alert without both cases is a guess."""
    assert firing(promtool, tmp_path, case.fires, case)
    assert not firing(promtool, tmp_path, case.quiet, case)


def test_every_alert_has_its_two_cases() -> None:
    """Product rule: as above; a new alert fails here first."""
    assert {rule["alert"] for rule in RULES} == {case.alert for case in CASES}


def test_every_alert_has_a_page_and_every_page_an_alert() -> None:
    """Product rule: whoever is woken reads what it means and what to do; a page nothing leads to is out of date."""
    rules = [
        rule
        for stack in STACKS
        for item in recording(stack).objects
        if item["kind"] == "PrometheusRule"
        for group in item["spec"]["groups"]
        for rule in group["rules"]
    ]
    alerts = {rule["alert"] for rule in rules if "alert" in rule} | OF_THE_CHART
    assert alerts <= {page.stem for page in RUNBOOKS.glob("*.md")}
    assert {page.stem for page in RUNBOOKS.glob("*.md")} <= alerts | NOT_IN_EVERY_STACK


NOT_IN_EVERY_STACK = {
    "KEDAOperatorMissing",
    "MCPForecastMisses",
    "MCPCostBudget",
    "MCPLeverMissing",
    "MCPServiceBudget",
}
"""Alerts that depend on how a stack scales, and on whether it has a budget."""


@pytest.mark.parametrize("page", sorted(RUNBOOKS.glob("*.md")), ids=lambda page: page.stem)
def test_a_page_has_its_four_sections(page: Path) -> None:
    """Product rule: meaning, impact, diagnosis, mitigation, in this order and none empty."""
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"^## .*$", text, re.MULTILINE) == SECTIONS
    assert all(len(part.strip()) > 20 for part in re.split(r"^#+ .*$", text, flags=re.MULTILINE)[2:])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule['alert']}-{rule['labels'].get('window', '')}")
def test_an_alert_says_what_is_wrong_how_much_and_where_to_look(rule: dict[str, Any]) -> None:
    """Product rule: the summary names the object and the number; page and dashboard are one click away."""
    labels, notes = rule["labels"], rule["annotations"]
    assert labels["severity"] in {"critical", "warning", "info"}
    assert labels["component"]
    assert "$labels" in notes["summary"] or notes["summary"].startswith(("Grafana in", "The pods of all servers"))
    assert "$value" in notes["summary"]
    assert notes["description"].endswith(".")
    assert notes["runbook_url"] == f"docs/runbooks/{rule['alert']}.md"
    assert f"/d/{DASHBOARDS[labels['component']]}?" in notes["dashboard_url"]


DASHBOARDS = {
    "server": "mcp-services",
    "tool": "mcp-services",
    "registry": "mcp-registry",
    "pod": "mcp-performance",
    "monitoring": "mcp-monitoring",
    "capacity": "mcp-capacity",
    "mesh": "mcp-mesh",
    "cost": "mcp-cost",
}
"""Component of an alert -> uid of the page that shows it."""


def test_every_link_of_an_alert_leads_to_a_dashboard_of_ours() -> None:
    """Product rule: a link to a page that is not installed wastes the first minute of an incident."""
    installed = {name.removesuffix(".json") for item in dashboards(ObservabilityStackArgs()) for name in item["data"]}
    assert set(DASHBOARDS.values()) <= installed


def test_pages_and_dashboards_are_where_the_stack_says() -> None:
    """Product rule: a link of an alert opens from outside the cluster once the stack has said where."""
    raw = {"runbooks_url": "https://wiki.example/runbooks", "grafana": {"url": "https://grafana.example/"}}
    group = alert_rules(ObservabilityStackArgs.model_validate(raw))["spec"]["groups"][0]
    notes = group["rules"][0]["annotations"]
    assert notes["runbook_url"] == "https://wiki.example/runbooks/MCPServerDown.md"
    assert notes["dashboard_url"].startswith("https://grafana.example/d/mcp-services?")
