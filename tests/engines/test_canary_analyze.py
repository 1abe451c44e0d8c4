"""`meshed-mcp canary analyze` over a real Prometheus with two versions of a service: pass, fail and inconclusive."""

import re
import time
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner, Result

from bench.dashboards.engine import local_prometheus
from bench.dashboards.remote_write import Span
from bench.dashboards.series import Pace, Series, Shape, histogram, scraped
from meshed_mcp import contract
from meshed_mcp.__main__ import app
from meshed_mcp.components.core.errors import ConfigurationError

pytestmark = pytest.mark.engine("prometheus")

NAMESPACE = "mcp-system"
BUSY = 20.0
RELEASE_SECONDS = 900
"""How long ago the new release came."""


def version(server: str, name: str, calls: tuple[float, float], median: float = 0.05, error: str = "") -> list[Series]:
    """One pod of one version: good and failed calls per second, and how long they take."""
    place = NAMESPACE, server, f"{server}-{name}-1"
    pace = Pace.FAST if name in {contract.CANARY, "2.0"} else Pace.FAST_LONG
    known = name if name in {contract.STABLE, contract.CANARY} else contract.STABLE
    version = {contract.LABEL_VERSION: known}
    info = scraped(contract.METRIC_INFO, place, **version, **{contract.LABEL_RELEASE: name})
    found = [Series(info, 1, Shape.FLAT, pace)]
    for result, per_second in zip(({}, {contract.LABEL_ERROR: error or "tool_error"}), calls, strict=True):
        method = {contract.LABEL_METHOD: "tools/call", contract.LABEL_TOOL: "search"}
        labels = scraped(contract.METRIC_OPERATION_DURATION, place, **version, **method, **result)
        found += histogram(labels, per_second, median, pace, 0)
    return found


SERVICES = {
    "good": [version("good", "stable", (BUSY, 0.02)), version("good", "canary", (BUSY / 2, 0.01))],
    "failing": [version("failing", "stable", (BUSY, 0.02)), version("failing", "canary", (BUSY / 2, 0.5))],
    "slower": [version("slower", "stable", (BUSY, 0.02)), version("slower", "canary", (BUSY / 2, 0.01), 0.3)],
    "quiet": [version("quiet", "stable", (BUSY, 0.02)), version("quiet", "canary", (0.05, 0.0))],
    "misused": [version("misused", "stable", (BUSY, 0.0)), version("misused", "canary", (BUSY, 5.0), error="-32602")],
    "released": [version("released", "1.0", (BUSY, 0.02)), version("released", "2.0", (BUSY, 0.02))],
    "regressed": [version("regressed", "1.0", (BUSY, 0.02)), version("regressed", "2.0", (BUSY, 1.0))],
    "unchanged": [version("unchanged", "1.0", (BUSY, 0.02))],
}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a Prometheus with an hour of all services; new versions cover the last quarter."""
    with local_prometheus(tmp_path_factory.mktemp("canary")) as (prometheus, _):
        series = [each for versions in SERVICES.values() for one in versions for each in one]
        spans = {Pace.FAST: Span(RELEASE_SECONDS, 0, 5), Pace.FAST_LONG: Span(3600, 0, 5)}
        prometheus.write(series, time.time(), spans)
        yield str(prometheus.http.base_url)


def analyze(address: str, service: str, *more: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(
        app, ["canary", "analyze", "--service", service, "--prometheus", address, "--for", "10m", *more]
    )


@pytest.mark.parametrize(
    ("service", "code", "said"),
    [
        ("good", 0, "pass: the new version is within the thresholds"),
        ("failing", 1, "fail: the new version exceeds a threshold, and not by chance"),
        ("slower", 1, "fail: the new version exceeds a threshold, and not by chance"),
        ("quiet", 2, "inconclusive: too few calls to decide; wait, send it more traffic, or raise the thresholds"),
        ("misused", 0, "pass: "),
    ],
)
def test_a_canary_is_compared_with_the_stable_version(address: str, service: str, code: int, said: str) -> None:
    """Requirement NET-10: 0 pass, 1 fail, 2 inconclusive; caller errors are not failures of the new version."""
    result = analyze(address, service, "--canary")
    assert (result.exit_code, said in result.output) == (code, True), result.output


def test_the_evidence_is_shown(address: str) -> None:
    """Requirement NET-10: an operator who stops a release sees the numbers."""
    output = analyze(address, "failing", "--canary").output
    assert re.search(r"operations that failed: old 0\.10% of \d{4,5}, new 4\.76% of \d{4}, .*: fail\n", output)
    assert re.search(r"calls slower than [0-9.]+ s: .* pp \[[-+.0-9]+, [-+.0-9]+\]: pass\n", output)


@pytest.mark.parametrize(("service", "code"), [("released", 0), ("regressed", 1)])
def test_a_release_is_compared_with_the_previous_one(address: str, service: str, code: int) -> None:
    """Requirement NET-10: without a canary, the newest release is compared with the one before it."""
    result = analyze(address, service)
    assert result.exit_code == code, result.output
    assert "old" in result.output


def test_waiting_ends_as_soon_as_the_canary_fails(address: str) -> None:
    """Requirement NET-10: a bad version is rolled back at once, not after ten minutes."""
    started = time.monotonic()
    result = analyze(address, "failing", "--canary", "--wait")
    assert result.exit_code == 1
    assert time.monotonic() - started < 300


def test_a_larger_difference_can_be_tolerated(address: str) -> None:
    """Requirement NET-10: the operator sets the threshold."""
    assert analyze(address, "failing", "--canary", "--errors", "0.2").exit_code == 0


@pytest.mark.parametrize(
    ("service", "more", "text"),
    [
        (
            "unchanged",
            (),
            "only release '1.0' was scraped in 1d; set --canary, or wait until the new release is scraped",
        ),
        ("absent", (), "no release was scraped in 1d; set --canary, or wait until the new release is scraped"),
        ("good", ("--for", "10 minutes"), "'10 minutes' is not a duration; use a number and s, m or h, such as 10m"),
        ("good", ("--prometheus", "prometheus:9090"), "is not a URL; use one such as http://127.0.0.1:9090"),
    ],
)
def test_an_impossible_comparison_is_reported(address: str, service: str, more: tuple[str, ...], text: str) -> None:
    """Requirement CFG-2: an error names the object, what is wrong and what to set instead."""
    result = analyze(address, service, *more)
    assert isinstance(result.exception, ConfigurationError)
    assert text in str(result.exception.issues[0])
