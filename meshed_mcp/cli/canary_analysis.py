"""Whether a new version is as good as the old one: counts of both in, a verdict with its numbers out.

What differs is judged by the interval of the difference, not by the difference: few calls say nothing either way.
Source: Newcombe, "Interval estimation for the difference between independent proportions" (1998), method 10.
"""

from collections.abc import Mapping
from enum import IntEnum
from math import inf, sqrt
from typing import Final, NamedTuple

LEAST_CALLS: Final = 100
"""Calls of either version below which nothing is decided."""

ONE_SIDED_95: Final = 1.645
"""Quantile of the normal distribution: one verdict in twenty is wrong by chance."""

USUAL_SHARE: Final = 0.95
"""The old version's calls that set what "fast" means."""


class Verdict(IntEnum):
    """Exit codes of the gate."""

    GOOD = 0
    WORSE = 1
    UNDECIDED = 2


class Counts(NamedTuple):
    """Calls of one version, and those of them that were bad."""

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


def finding(measure: str, old: Counts, new: Counts, tolerance: float) -> Finding:
    """Judge one measure: good when surely below `tolerance`, worse when above it and no chance."""
    if min(old.every, new.every) < LEAST_CALLS:
        return Finding(measure, old, new, -1.0, 1.0, Verdict.UNDECIDED)
    low, high = difference(old, new)
    if high < tolerance:
        verdict = Verdict.GOOD
    elif low > 0 and new.share - old.share > tolerance:
        verdict = Verdict.WORSE
    else:
        verdict = Verdict.UNDECIDED
    return Finding(measure, old, new, low, high, verdict)


def difference(old: Counts, new: Counts) -> tuple[float, float]:
    """Bounds of new's share less old's, each right in 95 of 100 cases."""
    (old_low, old_high), (new_low, new_high) = wilson(old), wilson(new)
    change = new.share - old.share
    below = sqrt((new.share - new_low) ** 2 + (old_high - old.share) ** 2)
    above = sqrt((new_high - new.share) ** 2 + (old.share - old_low) ** 2)
    return change - below, change + above


def wilson(counts: Counts) -> tuple[float, float]:
    """Bounds of one share. Source: Wilson (1927)."""
    share, number, z = counts.share, counts.every, ONE_SIDED_95
    middle = share + z * z / (2 * number)
    spread = z * sqrt(share * (1 - share) / number + z * z / (4 * number * number))
    return (middle - spread) / (1 + z * z / number), (middle + spread) / (1 + z * z / number)


def usual_bound(buckets: Mapping[float, float]) -> float:
    """The bound, seconds, below which most calls of the old version stay; the largest finite one where none does."""
    every = buckets.get(inf, 0.0)
    finite = sorted(bound for bound in buckets if bound != inf)
    return next((bound for bound in finite if buckets[bound] >= USUAL_SHARE * every), finite[-1] if finite else inf)


def slow(buckets: Mapping[float, float], bound: float) -> Counts:
    """Calls that took longer than `bound`, a bound of the histogram."""
    every = buckets.get(inf, 0.0)
    return Counts(max(0.0, every - buckets.get(bound, every)), every)


def overall(findings: list[Finding]) -> Verdict:
    """One that is worse decides; else one that is undecided."""
    verdicts = {each.verdict for each in findings}
    return next((verdict for verdict in (Verdict.WORSE, Verdict.UNDECIDED) if verdict in verdicts), Verdict.GOOD)
