"""Every dashboard query on a real Prometheus with generated series, and its pictures."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.dashboards.command import app
from bench.dashboards.engine import PreviewPrometheus, local_prometheus
from bench.dashboards.preview import SAMPLE_TIME, SMALL_FLEET, variable_values, write_series
from bench.dashboards.requests import Request, dashboard_requests
from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.dashboards.config_maps import dashboards
from tests.stacks import ROOT

pytestmark = pytest.mark.engine("prometheus")

PAGES = {page.uid.value: page for page in dashboards(ObservabilityStackArgs())}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PreviewPrometheus]:
    """A Prometheus with an hour of a small fleet."""
    with local_prometheus(tmp_path_factory.mktemp("prometheus")) as (prometheus, _):
        write_series(prometheus, SMALL_FLEET, "monitoring", SAMPLE_TIME)
        yield prometheus


@pytest.mark.parametrize("uid", PAGES)
def test_every_query_of_a_dashboard_has_a_result(filled: PreviewPrometheus, uid: str) -> None:
    """Requirement OBS-1: a panel that is empty on a full fleet queries a series that does not exist."""
    page = PAGES[uid]
    choice = variable_values(page, filled, SAMPLE_TIME)
    empty = [title for title, each in dashboard_requests(page, choice) if not filled.send(each, SAMPLE_TIME)]
    assert empty == []


def test_a_query_of_an_unknown_series_has_no_result(filled: PreviewPrometheus) -> None:
    """Requirement PRJ-1: a test that cannot fail proves nothing."""
    assert filled.send(Request("sum(mcp_nothing_total)", "", 30), SAMPLE_TIME) == []


def test_a_rejected_query_says_why(filled: PreviewPrometheus) -> None:
    """Requirement CFG-2: an error names what is wrong and where."""
    with pytest.raises(ConfigurationError, match=r"rejects a query: .*parse error.*use the address of a Prometheus"):
        filled.send(Request("sum(", "", None), SAMPLE_TIME)


def test_an_unreachable_address_is_named() -> None:
    """Requirement CFG-2: an error names what is wrong and where."""
    with (
        contextlib.closing(PreviewPrometheus("http://127.0.0.1:9")) as unreachable,
        pytest.raises(ConfigurationError, match=r"http://127.0.0.1:9 does not answer: .*use another address"),
    ):
        unreachable.send(Request("up", "", None), SAMPLE_TIME)


def test_the_pictures_of_the_documentation_show_the_dashboards(tmp_path: Path) -> None:
    """Requirement PRJ-3: a changed dashboard is a changed picture; `make dashboard-pictures` draws them again."""
    result = CliRunner().invoke(app, ["--stack", "dev", "-p", str(ROOT), str(tmp_path)])
    assert result.exit_code == 0, result.output
    drawn = {path.name: path for path in tmp_path.iterdir()}
    assert set(drawn) == {*(f"{uid}.png" for uid in PAGES), "index.html"}
    kept = {path.name: path for path in (ROOT / "docs" / "images" / "dashboards").iterdir()}
    assert {name for name in drawn if drawn[name].read_bytes() != kept[name].read_bytes()} == set()
