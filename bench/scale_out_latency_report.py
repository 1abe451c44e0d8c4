"""Report of `make bench-scale-out`: a table per path in docs/reference/performance.md, and whether its goal holds.

Takes the seconds of every step. Returns text.
"""

from dataclasses import dataclass
from statistics import quantiles
from typing import Any, Final

from bench.fast_scaler_path import PATCH_TO_READY_SECONDS

PER_REPLICA: Final = 4
BEFORE, AFTER = 2, 4
"""Replicas before the step, and replicas that its load needs."""

GOALS: Final = {"query": 30, "fast_scaler": 11}
"""Seconds at p99: until all new replicas respond; for the fast scaler, until as many as the load needs are ready."""

TITLES: Final = {"query": "HPA, syncs of 15 s", "fast_scaler": "Fast scaler, which raises the minimum"}


@dataclass(frozen=True)
class ScaleOut:
    """One step: seconds from it to the first raise, to the full size, to every new replica ready, to its first call."""

    first: float
    decided: float
    ready: float
    serving: float
    replicas: int


def tables(measured: dict[str, Any]) -> str:
    """The generated section of the page: a table per path."""
    return "\n".join(table(name, measured[name]) for name in TITLES if name in measured)


def table(name: str, measured: dict[str, Any]) -> str:
    """One path."""
    place, runs = measured["machine"], [ScaleOut(**run) for run in measured["runs"]]
    where = f"{place['date']}, {place['cores']} cores ({place['cpu']})"
    what = f"steps from 6 to 15 in-flight requests at {PER_REPLICA} per replica ({BEFORE} -> {AFTER})"
    lines = [
        f"{TITLES[name]}: {where}; n = {len(runs)} {what}; {len(measured['failed'])} timed out.",
        "",
        "| seconds from the step to | p50 | p90 | p99 | max |",
        "| --- | --- | --- | --- | --- |",
        *(row(NAMES[each], [getattr(run, each) for run in runs]) for each in NAMES),
    ]
    if name == "fast_scaler":
        lines.append(row(f"{AFTER} replicas ready", [needed_seconds(run) for run in runs]))
    return "\n".join([*lines, "", said(name, measured), ""])


def row(name: str, values: list[float]) -> str:
    """Quantiles and the maximum."""
    cells = [f"{percentile(values, each):.1f}" for each in (50, 90, 99)]
    return f"| {name} | {' | '.join(cells)} | {max(values):.1f} |"


def said(name: str, measured: dict[str, Any]) -> str:
    """The goal and whether it holds."""
    holds = "is missed" if missed(name, measured) else "holds"
    seconds = f"{p99(name, measured):.1f} s"
    return f"The goal of {GOALS[name]} s at p99 {holds}: {seconds}. Of n steps p99 is close to the maximum."


def missed(name: str, measured: dict[str, Any]) -> bool:
    """Whether a path is too slow, or a step timed out."""
    return p99(name, measured) >= GOALS[name] or bool(measured["failed"])


def p99(name: str, measured: dict[str, Any]) -> float:
    """Seconds of the goal: HPA, until all replicas responded; fast scaler, until the needed replicas are ready."""
    runs = [ScaleOut(**run) for run in measured["runs"]]
    return percentile([needed_seconds(run) if name == "fast_scaler" else run.serving for run in runs], 99)


def needed_seconds(run: ScaleOut) -> float:
    """Seconds to the full replica count plus the pod start time here; later patches may request more than is needed."""
    return run.decided + PATCH_TO_READY_SECONDS


NAMES: Final = {
    "first": "the first raise",
    "decided": "the full size",
    "ready": "all new replicas ready",
    "serving": "all new replicas have responded",
}


def percentile(values: list[float], percent: int) -> float:
    """A percentile with linear interpolation; of one value, the value."""
    return quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else values[0]
