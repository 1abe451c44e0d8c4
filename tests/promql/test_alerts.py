"""Every alert on series on which it fires and on series on which it does not, evaluated by the real promtool."""

import re
from pathlib import Path
from typing import Any

import pytest

from meshed_mcp.components.alerts.catalog import CATALOG
from tests.promql.alert_cases import FOLDER, Case, cases, rendered_rules
from tests.promql.rule_cases import promtool_failures

pytestmark = pytest.mark.engine("promtool")

ALL_CASES = [
    pytest.param(path.stem, case, id=f"{path.stem}-{number}")
    for path in sorted(FOLDER.glob("*.yaml"))
    for number, case in enumerate(cases(path.stem))
]


def firing(promtool: Path, folder: Path, name: str, series: dict[str, str], at: str, **settings: Any) -> str:
    """The alert that fires at a time as promtool reports it, "" if none does; promtool is asked to expect none."""
    rules = [rule for rule in rendered_rules({name: settings}) if rule["alert"] == name]
    expected = {"eval_time": at, "alertname": name, "exp_alerts": []}
    given = {
        "interval": "1m",
        "input_series": [{"series": key, "values": values} for key, values in series.items()],
        "alert_rule_test": [expected],
    }
    found = promtool_failures(
        promtool, folder, [{"spec": {"groups": [{"name": "one", "interval": "1m", "rules": rules}]}}], given
    )
    assert found == "" or f'alertname="{name}"' in found, found
    return found


def summaries(found: str) -> list[str]:
    """The rendered summaries in promtool's report."""
    return [text.replace('\\"', '"') for text in re.findall(r'summary="((?:[^"\\]|\\.)*)"', found)]


@pytest.mark.parametrize(("name", "case"), ALL_CASES)
def test_alert_fires_with_its_summary(promtool: Path, tmp_path: Path, name: str, case: Case) -> None:
    """Requirement OBS-4: each alert has a case in which it fires with its documented summary."""
    assert set(summaries(firing(promtool, tmp_path, name, case.fires, case.at))) == {case.summary}


@pytest.mark.parametrize(("name", "case"), ALL_CASES)
def test_alert_does_not_fire(promtool: Path, tmp_path: Path, name: str, case: Case) -> None:
    """Requirement OBS-4: each alert has a case in which it does not fire."""
    assert firing(promtool, tmp_path, name, case.quiet, case.at) == ""


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("MCPServerSaturated", {"threshold": 0.97}),
        ("MCPServerFlapping", {"threshold": 4}),
        ("MCPServerErrorBudgetBurn", {"threshold": 1_000_000}),
        ("MCPServerDown", {"for": "6h"}),
    ],
)
def test_alert_with_changed_settings_does_not_fire(
    promtool: Path, tmp_path: Path, name: str, settings: dict[str, Any]
) -> None:
    """Requirement OBS-14: the stack's threshold and `for` decide when the alert fires."""
    case, *_ = cases(name)
    assert firing(promtool, tmp_path, name, case.fires, case.at) != ""
    assert firing(promtool, tmp_path, name, case.fires, case.at, **settings) == ""


def test_lowered_threshold_fires_earlier(promtool: Path, tmp_path: Path) -> None:
    """Requirement OBS-14: a lowered threshold makes the alert fire earlier."""
    case, *_ = cases("MCPPodMemoryNearLimit")
    assert firing(promtool, tmp_path, "MCPPodMemoryNearLimit", case.quiet, case.at, threshold=0.75) != ""


def test_every_alert_of_the_catalog_is_rendered() -> None:
    """Requirement OBS-4: an alert that no component renders would be documented and never fire."""
    assert {rule["alert"] for rule in rendered_rules()} == CATALOG.keys()
