"""Statistical comparison of two versions of a service: counts of both in, a verdict with its numbers out.

The verdict is taken on the confidence interval of the difference, so that few calls are inconclusive.
Source: Newcombe, "Interval estimation for the difference between independent proportions" (1998), method 10.
"""

from collections.abc import Mapping
from enum import IntEnum
from math import inf, sqrt
from typing import Final, NamedTuple

LEAST_CALLS: Final = 100
"""Calls of either version below which the verdict is inconclusive."""

ONE_SIDED_95: Final = 1.645
"""Quantile of the normal distribution: one verdict in twenty is wrong by chance."""

USUAL_SHARE: Final = 0.95
"""Quantile of the old version's durations above which a call counts as slow."""


class Verdict(IntEnum):
    """Verdict of an analysis; the value is the exit code."""

    PASS = 0
    FAIL = 1
    INCONCLUSIVE = 2


class Counts(NamedTuple):
    """Calls of one version: the bad ones (failed or slow) and all."""

    bad: float
    every: float

    @property
    def share(self) -> float:
        """Part that was bad, 0..1."""
        return self.bad / self.every if self.every else 0.0


class Finding(NamedTuple):
    """One measure of both versions; `low` and `high` bound the difference of shares."""

    measure: str
    old: Counts
    new: Counts
    low: float
    high: float
    verdict: Verdict


def compare_shares(measure: str, old: Counts, new: Counts, tolerance: float) -> Finding:
    """Compare one measure: pass if significantly below `tolerance`, fail if above it and significant."""
    if min(old.every, new.every) < LEAST_CALLS:
        return Finding(measure, old, new, -1.0, 1.0, Verdict.INCONCLUSIVE)
    low, high = difference(old, new)
    if high < tolerance:
        verdict = Verdict.PASS
    elif low > 0 and new.share - old.share > tolerance:
        verdict = Verdict.FAIL
    else:
        verdict = Verdict.INCONCLUSIVE
    return Finding(measure, old, new, low, high, verdict)


def difference(old: Counts, new: Counts) -> tuple[float, float]:
    """Confidence bounds of the new share less the old one, each one-sided 95 %."""
    (old_low, old_high), (new_low, new_high) = wilson(old), wilson(new)
    change = new.share - old.share
    below = sqrt((new.share - new_low) ** 2 + (old_high - old.share) ** 2)
    above = sqrt((new_high - new.share) ** 2 + (old.share - old_low) ** 2)
    return change - below, change + above


def wilson(counts: Counts) -> tuple[float, float]:
    """Confidence bounds of one share. Source: Wilson (1927)."""
    share, number, z = counts.share, counts.every, ONE_SIDED_95
    middle = share + z * z / (2 * number)
    spread = z * sqrt(share * (1 - share) / number + z * z / (4 * number * number))
    return (middle - spread) / (1 + z * z / number), (middle + spread) / (1 + z * z / number)


def usual_bound(buckets: Mapping[float, float]) -> float:
    """Upper bound (seconds) that 95 % of the old version's calls keep; the largest finite one if none does."""
    every = buckets.get(inf, 0.0)
    finite = sorted(bound for bound in buckets if bound != inf)
    return next((bound for bound in finite if buckets[bound] >= USUAL_SHARE * every), finite[-1] if finite else inf)


def slow_calls(buckets: Mapping[float, float], bound: float) -> Counts:
    """Calls that took longer than `bound`, one of the histogram."""
    every = buckets.get(inf, 0.0)
    return Counts(max(0.0, every - buckets.get(bound, every)), every)


def overall(findings: list[Finding]) -> Verdict:
    """Fail if any measure fails, else inconclusive if any is."""
    verdicts = {each.verdict for each in findings}
    return next((verdict for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE) if verdict in verdicts), Verdict.PASS)
