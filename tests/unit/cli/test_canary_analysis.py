"""Verdicts of the canary analysis against published numbers."""

from math import inf, sqrt

import pytest

from meshed_mcp.cli.canary import seconds
from meshed_mcp.cli.canary_analysis import (
    ONE_SIDED_95,
    Counts,
    Verdict,
    compare_shares,
    difference,
    overall,
    slow_calls,
    usual_bound,
    wilson,
)


def test_the_interval_is_wilsons() -> None:
    """Wilson (1927): the shares from which what was counted is just z standard errors away."""
    counts = Counts(10, 100)
    for bound in wilson(counts):
        assert abs(counts.share - bound) == pytest.approx(ONE_SIDED_95 * sqrt(bound * (1 - bound) / counts.every))


def test_the_difference_is_newcombes() -> None:
    """Newcombe (1998), table II, 56/70 less 48/80 (method 10, z = 1.96): 0.0524 to 0.3339; at 1.645 it is narrower."""
    low, high = difference(Counts(48, 80), Counts(56, 70))
    assert 0.0524 < low < 0.2 < high < 0.3339


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        (Counts(10, 10_000), Counts(10, 10_000), Verdict.PASS),
        (Counts(10, 10_000), Counts(500, 10_000), Verdict.FAIL),
        (Counts(0, 99), Counts(50, 100), Verdict.INCONCLUSIVE),
        (Counts(0, 10_000), Counts(50, 99), Verdict.INCONCLUSIVE),
        (Counts(0, 200), Counts(0, 120), Verdict.INCONCLUSIVE),
        (Counts(500, 10_000), Counts(10, 10_000), Verdict.PASS),
    ],
)
def test_few_calls_are_inconclusive(old: Counts, new: Counts, verdict: Verdict) -> None:
    """Requirement NET-10: neither an unused release nor a bad minute of three calls decides."""
    assert compare_shares("failed", old, new, 0.01).verdict is verdict


def test_one_failing_measure_fails_the_canary() -> None:
    """Requirement NET-10: a fast version with errors does not pass, nor does an unknown measure."""
    passing, failing, quiet = (
        compare_shares("m", Counts(0, 10_000), Counts(bad, every), 0.01)
        for bad, every in ((0, 9000), (900, 9000), (0, 1))
    )
    assert overall([passing, failing, quiet]) is Verdict.FAIL
    assert overall([passing, quiet]) is Verdict.INCONCLUSIVE
    assert overall([passing]) is Verdict.PASS


def test_a_slower_version_fails_without_an_objective() -> None:
    """Requirement NET-10: latency is compared with the stable version, without an objective."""
    buckets = {0.1: 90.0, 0.2: 96.0, 0.5: 100.0, inf: 100.0}
    assert usual_bound(buckets) == 0.2
    assert slow_calls(buckets, 0.2) == Counts(4.0, 100.0)
    assert usual_bound({0.1: 0.0, 300.0: 1.0, inf: 100.0}) == 300.0


@pytest.mark.parametrize(("text", "expected"), [("30s", 30), ("10m", 600), ("2h", 7200)])
def test_windows_are_formatted_as_prometheus_durations(text: str, expected: float) -> None:
    """Prometheus, "Time durations"."""
    assert seconds(text) == expected
