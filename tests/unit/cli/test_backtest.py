"""`meshed-mcp backtest` on the repository's prod stack and, if present, on public traces."""

import os
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from meshed_mcp.cli.backtest import backtest_command
from meshed_mcp.components.autoscaling.args import ForecastSettings, ScalingSettings
from meshed_mcp.components.autoscaling.forecast.load_history import read
from meshed_mcp.components.autoscaling.forecast.policy_comparison import compare, verdict
from meshed_mcp.components.autoscaling.forecast.simulation import Service
from tests.stacks import ROOT

pytestmark = pytest.mark.slow


def backtest(load: Path, *arguments: str) -> tuple[str, BaseException | None]:
    """What it prints, and the error it ends with."""
    app = Typer()
    app.command()(backtest_command)
    command = ["--service", "mcp-llm", "--stack", "prod", "--project", str(ROOT), "--load", str(load), *arguments]
    result = CliRunner().invoke(app, command)
    return result.output, None if isinstance(result.exception, SystemExit) else result.exception


@pytest.fixture
def load(tmp_path: Path) -> Path:
    """Two calm days."""
    path = tmp_path / "load.csv"
    lines = [
        f"2026-03-0{day}T{hour:02}:{minute:02},{60 + hour}"
        for day in (1, 2)
        for hour in range(24)
        for minute in range(60)
    ]
    path.write_text("\n".join(["minute,requests", *lines]), encoding="utf-8")
    return path


def test_the_backtest_prints_every_policy_a_verdict_and_a_chart(load: Path, tmp_path: Path) -> None:
    """Requirement SCL-5: says when prediction is not worth its cost; a chart of load, replicas and forecast."""
    picture = tmp_path / "picture.png"
    output, error = backtest(load, "--call-seconds", "20", "--picture", str(picture))
    assert error is None
    for name in ("reactive", "forecast", "equal cost", "control"):
        assert name in output
    assert "not worth it: " in output
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_counts_without_a_duration_say_what_to_set(load: Path) -> None:
    """Little's law: in-flight requests are arrivals times duration."""
    _, error = backtest(load)
    assert str(error) == (
        "MM0851: --load: column requests counts calls; set --call-seconds to their mean "
        "duration, or set --peak-replicas"
    )


def test_a_chart_that_cannot_be_written_is_one_line(load: Path, tmp_path: Path) -> None:
    """Requirement CFG-4: no traceback."""
    _, error = backtest(load, "--peak-replicas", "4", "--picture", str(tmp_path / "absent" / "picture.png"))
    assert str(error).startswith("MM0854: --picture: ")


def trace(name: str) -> Path:
    """A public trace, or a skip that says where it belongs."""
    path = Path(os.environ.get("LOAD_TRACES") or ROOT.parent / "shared" / "data") / name
    if not path.is_file():
        pytest.skip(f"{path} is not on this machine; name a folder that has it: export LOAD_TRACES=<folder>")
    return path


def test_on_bursts_without_a_rhythm_the_forecast_stays_off() -> None:
    """Requirement SCL-5: on NAB's trace of a load balancer the forecast stays off."""
    values = read(trace("nab-elb-requests-5min.csv")).values
    service = Service(ScalingSettings(max_replicas=100), 0.1, 30)
    worth, text = verdict(compare(service, values, ForecastSettings()))
    assert not worth
    assert "the error threshold kept the forecast off" in text


def test_on_a_daily_rhythm_the_forecast_reduces_overload_at_equal_cost() -> None:
    """Requirement SCL-5: NASA July, 180 s pods: a fraction of the overloaded time, of the equal-cost policy too."""
    values = read(trace("nasa-http-1995-per-minute.csv")).values[: 10 * 1440]
    found = compare(Service(ScalingSettings(max_replicas=100), 0.06, 180), values, ForecastSettings())
    assert found.trusted_share > 0.5
    assert found.predicted.overloaded_seconds < 0.7 * found.equal_cost.overloaded_seconds
    assert found.predicted.replica_hours < 1.1 * found.reactive.replica_hours
