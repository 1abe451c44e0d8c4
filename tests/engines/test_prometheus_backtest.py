"""`meshed-mcp backtest --prometheus` on a real Prometheus with a history by promtool."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bench.dashboards.engine import local_prometheus
from meshed_mcp import contract
from meshed_mcp.__main__ import app
from meshed_mcp.cli.backtest import prometheus_history
from meshed_mcp.components.core.errors import ConfigurationError
from tests.stacks import ROOT

pytestmark = pytest.mark.engine("prometheus", "promtool")

NAMESPACE, SERVER = "mcp-system", "mcp-llm"
HOURS = 26
GAP_MINUTES = range(600, 720)
"""Two hours of which nothing is known."""

STALE_MINUTES = 5
"""How long Prometheus repeats a last value where it was down itself. Source: `--query.lookback-delta`."""


def load(minute: int) -> int:
    """Calls in work of one replica."""
    return 10 + minute % 60 // 20 * 10


@pytest.fixture(scope="module")
def end() -> int:
    """The minute before this one, seconds."""
    return int(time.time()) // 60 * 60 - 60


@pytest.fixture(scope="module")
def address(find_engine: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory, end: int) -> Iterator[str]:
    """Where a Prometheus answers that knows two replicas for a day, has every block twice, and misses two hours."""
    folder = tmp_path_factory.mktemp("history")
    begin = end - (HOURS * 60 - 1) * 60
    lines = [f"# TYPE {contract.METRIC_ACTIVE_REQUESTS} gauge"]
    for pod in ("a", "b"):
        labels = f'namespace="{NAMESPACE}",{contract.LABEL_SERVER}="{SERVER}",pod="{pod}"'
        lines += [
            f"{contract.METRIC_ACTIVE_REQUESTS}{{{labels}}} {load(minute)} {begin + minute * 60}"
            for minute in range(HOURS * 60)
            if minute not in GAP_MINUTES
        ]
    text = folder / "history.txt"
    text.write_text("\n".join([*lines, "# EOF", ""]), encoding="utf-8")
    for _ in range(2):
        command: list[str | Path] = [find_engine("promtool"), "tsdb", "create-blocks-from", "openmetrics"]
        subprocess.run([*command, text, folder / "data"], check=True, capture_output=True, timeout=100)
    with local_prometheus(folder) as (prometheus, _):
        yield str(prometheus.http.base_url)


def test_the_history_is_in_flight_calls_and_its_gap_stays_unknown(address: str, end: int) -> None:
    """Requirement SCL-11: both replicas count, duplicate samples count once, a gap is not a load of zero."""
    found = prometheus_history(address, NAMESPACE, SERVER, days=HOURS / 24)
    first = int((end - (HOURS * 60 - 1) * 60 - found.start.timestamp()) // 60)
    assert not found.counts
    unknown = [first + minute for minute, value in enumerate(found.values) if value is None]
    late = GAP_MINUTES.start + STALE_MINUTES
    assert GAP_MINUTES.stop - late - 1 <= len(unknown) <= GAP_MINUTES.stop - GAP_MINUTES.start
    assert max(value for value in found.values if value is not None) == 2 * load(59)
    assert min(value for value in found.values if value is not None) == 2 * load(0)
    assert found.notes == [f"{len(unknown)} minutes of gaps: no data"]


def backtest(*arguments: str) -> Result:
    """What the command says."""
    command = ["backtest", "--service", SERVER, "--stack", "prod", "--project", str(ROOT), *arguments]
    return CliRunner().invoke(app, command)


def test_the_command_simulates_the_history(address: str) -> None:
    """Requirement SCL-10: runs on the user's own history; in-flight calls need no duration."""
    result = backtest("--prometheus", address, "--days", "1", "--peak-replicas", "10")
    assert result.exit_code == 0, result.output
    assert "minutes of gaps: no data" in result.output
    assert "worth it: " in result.output


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((), "--load: needs exactly one history; set either --load FILE or --prometheus URL"),
        (
            ("--load", "a.csv", "--prometheus", "http://127.0.0.1:9"),
            "--load: needs exactly one history; set either --load FILE or --prometheus",
        ),
        (("--prometheus", "prometheus:9090"), "--prometheus: 'prometheus:9090' is not a URL; use one such as"),
        (("--prometheus", "http://127.0.0.1:9"), "--prometheus: http://127.0.0.1:9 does not answer: "),
    ],
)
def test_an_invalid_query_option_is_reported(arguments: tuple[str, ...], text: str) -> None:
    """Requirement CFG-2: an error names the option, what is wrong and what to set instead."""
    result = backtest(*arguments)
    assert isinstance(result.exception, ConfigurationError)
    assert str(result.exception.issues[0]).startswith(text)


def test_a_service_that_prometheus_does_not_know_is_reported(address: str) -> None:
    """Requirement SCL-11: an empty result is not a history of zeros."""
    with pytest.raises(ConfigurationError, match=r"--prometheus: knows 0 minutes of mcp-rag, and 60 are needed; use "):
        prometheus_history(address, NAMESPACE, "mcp-rag", days=1)
