"""`meshed-mcp dashboards` and the drawing tool, without a Prometheus."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.dashboards import engine
from bench.dashboards.drawing import color, formatted, legend_text
from bench.dashboards.preview import SMALL_FLEET
from bench.dashboards.recorded_series import recorded_series
from bench.dashboards.remote_write import Span, bodies, labels, spans, stored, varint
from bench.dashboards.requests import panel_requests
from bench.dashboards.series import Fleet, Pace, Series, Shape, server_series
from meshed_mcp.__main__ import app
from meshed_mcp.components.observability.dashboards.records import Kind, Panel, Query, Threshold, Unit
from tests.stacks import ROOT

PAGE = ROOT / "docs" / "reference" / "dashboards.md"


def test_the_json_is_the_one_that_grafana_gets(tmp_path: Path) -> None:
    """Requirement OBS-7: a dashboard can be imported by hand where no sidecar runs."""
    result = CliRunner().invoke(app, ["dashboards", "--stack", "dev", "-p", str(ROOT), "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    uids = {json.loads(path.read_text())["uid"] for path in tmp_path.iterdir()}
    assert uids == {path.stem for path in tmp_path.iterdir()}
    assert "mcp-usage" in uids


def test_a_machine_without_prometheus_gets_the_install_hint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Requirement CLI-1: the error says the next step."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match=r"prometheus is not on the PATH; run make engines, or set --prometheus URL"):
        engine.program()


def test_every_picture_is_shown_and_small() -> None:
    """Requirement PRJ-2: the page of pictures is complete; the repository contains no large files."""
    pictures = sorted((ROOT / "docs" / "images" / "dashboards").glob("*.png"))
    text = PAGE.read_text(encoding="utf-8")
    assert pictures
    assert all(f"../images/dashboards/{path.name})" in text for path in pictures)
    assert sum(path.stat().st_size for path in pictures) < 1_500_000


def test_macros_and_variables_are_expanded_as_by_grafana() -> None:
    """Grafana, "Global variables": four scrapes to a rate; bar charts query now, graphs the hour."""
    query = Query('rate(x{a="$server"}[$__rate_interval]) + avg_over_time(y[$__range]) * $__range_s', "{{a}}")
    panel = Panel("t", "d", Unit.COUNT, (query,), 15)
    (asked,) = panel_requests(panel, {"server": "mcp-rag"})
    assert asked == ('rate(x{a="mcp-rag"}[60s]) + avg_over_time(y[3600s]) * 3600', "{{a}}", 15)
    (now,) = panel_requests(panel._replace(kind=Kind.BAR_GAUGE), {})
    assert now.step is None


@pytest.mark.parametrize(("number", "encoded"), [(0, b"\x00"), (127, b"\x7f"), (300, b"\xac\x02")])
def test_numbers_are_encoded_as_protobuf_varints(number: int, encoded: bytes) -> None:
    """Protocol Buffers, "Encoding": 300 is ac 02."""
    assert varint(number) == encoded


def test_labels_are_sorted() -> None:
    """Prometheus, "Remote-Write 1.0": label names are sorted."""
    assert labels({"b": "2", "__name__": "up"}) == b"\x0a\x0e\x0a\x08__name__\x12\x02up" + b"\x0a\x06\x0a\x01b\x12\x012"


def test_a_request_body_is_a_snappy_block() -> None:
    """Snappy, "format description": length, then a literal with a length of four bytes, less one."""
    assert stored(b"abc") == b"\x03\xfc\x02\x00\x00\x00abc"


def test_a_fleet_has_the_requested_size() -> None:
    """Requirement OBS-12: a figure for a thousand pods is measured with a thousand pods."""
    pods = {each.labels["pod"] for each in server_series(Fleet(5, 4, 2))}
    assert len(pods) == 20


def test_written_series_and_samples_are_counted() -> None:
    """Requirement OBS-12: the size that a figure names was counted."""
    series = [Series({"__name__": "up", "pod": str(number)}, 1, Shape.FLAT, Pace.SLOW) for number in range(3)]
    ((_, count, samples),) = bodies(series, 1_767_614_400, {Pace.SLOW: Span(60, 0, 30)})
    assert (count, samples) == (3, 6)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.025, Unit.RATIO, "2.5 %"),
        (0.25, Unit.SECONDS, "250 ms"),
        (2, Unit.SECONDS, "2 s"),
        (3 * 2**30, Unit.BYTES, "3 GiB"),
        (1500, Unit.PER_SECOND, "1.5 K/s"),
        (12, Unit.COUNT, "12"),
    ],
)
def test_values_have_their_units(value: float, unit: Unit, text: str) -> None:
    """Requirement OBS-7: a number on a picture has a unit."""
    assert formatted(value, unit) == text


def test_names_and_colors_are_the_panels() -> None:
    """Grafana, legends and thresholds."""
    assert legend_text("{{server}} of {{ team }}{{none}}", {"server": "a", "team": "b"}) == "a of b"
    panel = Panel("t", "d", Unit.RATIO, (), 15, thresholds=(Threshold(0.5, "red"),))
    assert color(panel, 0.4) != color(panel, 0.5)


def test_recorded_series_are_not_written_ahead_of_their_rules() -> None:
    """Prometheus, "out of order sample": rules on synthetic series could not store their results."""
    ahead = {pace for pace, span in spans(3600, 300, 240).items() if span.after > 0}
    assert ahead
    assert {series.pace for series in recorded_series(SMALL_FLEET)}.isdisjoint(ahead)
