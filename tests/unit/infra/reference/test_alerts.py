"""The reference page of alerts."""

from meshed_mcp.components.alerts.catalog import CATALOG
from meshed_mcp.infra.reference import alerts as alerts_reference
from tests.stacks import ROOT

PAGE = ROOT / "docs" / "reference" / "alerts.md"


def test_reference_page_is_generated_from_the_records() -> None:
    """Requirement PRJ-2: a reference page is generated, so it cannot drift from the code."""
    assert PAGE.read_text("utf-8") == alerts_reference.page(), "run: make golden"


def test_every_alert_has_a_row() -> None:
    """Requirement OBS-4: an operator finds each alert with its severity, `for` and threshold."""
    for alert in CATALOG.values():
        rows = [line for line in alerts_reference.page().splitlines() if line.startswith(f"| [{alert.name}](")]
        assert len(rows) == 1


def test_no_template_syntax_is_left_in_a_summary() -> None:
    """Requirement PRJ-2: the page shows names, not Prometheus' template language."""
    assert not [line for line in alerts_reference.page().splitlines() if line.startswith("|") and "{{" in line]
