"""Usage reports from a real Prometheus: calls, without names of users."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bench.dashboards.engine import local_prometheus
from bench.dashboards.preview import SAMPLE_TIME
from bench.dashboards.remote_write import Span
from bench.dashboards.series import Pace, Series, Shape
from meshed_mcp.__main__ import app
from meshed_mcp.components.core.errors import ConfigurationError
from meshed_mcp.components.observability.prometheus.recording_rules import DASHBOARD_SECONDS
from meshed_mcp.components.promql import sli

pytestmark = pytest.mark.engine("prometheus")

TIMES = ("--from", "2026-01-05T11:00", "--to", "2026-01-05T12:00")
COLUMNS = ["begin", "end", "namespace", "service", "organization", "tool", "calls"]


def used(organization: str, tool: str, per_second: float) -> Series:
    """What is recorded of one organization and tool."""
    labels = {"namespace": "mcp-system", "mcp_server_name": "mcp-rag", "org": organization, "gen_ai_tool_name": tool}
    return Series({"__name__": sli.USAGE, **labels}, per_second, Shape.FLAT, Pace.RECORDED)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where Prometheus answers that saw an hour."""
    with local_prometheus(tmp_path_factory.mktemp("usage")) as (prometheus, _):
        series = [used("acme", "search", 2.0), used("acme", "ingest", 0.5), used("globex", "search", 0.0)]
        prometheus.write(series, SAMPLE_TIME, {Pace.RECORDED: Span(3600, 1, DASHBOARD_SECONDS)})
        yield str(prometheus.http.base_url)


def usage(address: str, out: Path, *more: str) -> Result:
    """What the command says."""
    return CliRunner().invoke(app, ["usage", "--prometheus", address, "--out", str(out), *TIMES, *more])


def test_calls_are_exported_by_organization_and_tool(address: str, tmp_path: Path) -> None:
    """Requirement OBS-13: rate x time; an organization without calls has no row, and no column names a user."""
    out = tmp_path / "usage.csv"
    result = usage(address, out)
    assert result.exit_code == 0, result.output
    with out.open(encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == COLUMNS
    hour = ["2026-01-05T11:00:00+00:00", "2026-01-05T12:00:00+00:00", "mcp-system", "mcp-rag", "acme"]
    assert rows == [[*hour, "ingest", "1800"], [*hour, "search", "7200"]]
    assert f"2 rows, 9000 calls in {out}" in result.output


def test_parquet_contains_the_same_rows(address: str, tmp_path: Path) -> None:
    """Apache Parquet, read back by the library that analytics use."""
    parquet = pytest.importorskip("pyarrow.parquet")
    assert usage(address, tmp_path / "usage.parquet").exit_code == 0
    table = parquet.read_table(tmp_path / "usage.parquet").to_pydict()
    assert list(table) == COLUMNS
    assert table["calls"] == [1800, 7200]


def test_a_long_time_is_split_into_parts(address: str, tmp_path: Path) -> None:
    """Requirement OBS-13: one row per part, so days are separate."""
    out = tmp_path / "usage.csv"
    assert usage(address, out, "--from", "2026-01-05T10:00", "--hours", "1").exit_code == 0
    with out.open(encoding="utf-8") as file:
        rows = [(row["begin"], int(row["calls"])) for row in csv.DictReader(file)]
    by_part = {begin: sum(calls for other, calls in rows if other == begin) for begin, _ in rows}
    # What was recorded at eleven is of the half minute before it.
    assert by_part == {"2026-01-05T10:00:00+00:00": 75, "2026-01-05T11:00:00+00:00": 9000}


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (("--from", "yesterday"), "'yesterday' is not a moment; use 2026-11-01, or 2026-11-01T08:00"),
        (("--to", "2026-01-01"), "2026-01-01 is not after 2026-01-05T11:00; use a later moment"),
        (("--from", "1990-01-01", "--hours", "1"), "1 cuts the time into more than 10000 parts; use a larger number"),
        (("--out", "usage.xlsx"), "usage.xlsx is neither CSV nor Parquet; use a name that ends in .csv or .parquet"),
    ],
)
def test_an_impossible_export_is_reported(address: str, tmp_path: Path, more: tuple[str, ...], text: str) -> None:
    """Requirement CFG-2: an error names the option, what is wrong and what to set instead."""
    result = usage(address, tmp_path / "usage.csv", *more)
    assert isinstance(result.exception, ConfigurationError)
    assert text in str(result.exception.issues[0])
