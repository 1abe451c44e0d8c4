"""Report of the mesh benchmark: every call as JSON, medians over the rounds as a table in the documentation.

Takes all samples. Writes bench/results/mesh.json and the mesh section of docs/reference/performance.md.
"""

import json
from statistics import median, quantiles
from typing import Any, Final

from bench import report

RAW: Final = report.ROOT / "bench" / "results" / "mesh.json"
BEGIN: Final = "<!-- measured: make bench-mesh -->\n"
WAYS: Final = {"sequential_ms": "one after the other", "at_rate_ms": "at a fixed rate"}
PERCENTILES: Final = (50, 99)
MOST_ADDED_MS: Final = {50: 0.8, 99: 2.0}
MOST_OF_CONTROL: Final = 1.15
"""Goals for the latency that the mesh adds, and for the ratio of its median to the control's."""

Rounds = dict[str, list[dict[str, list[float]]]]


def write(measured: dict[str, Any]) -> None:
    """Save the raw numbers, replace the table and print it."""
    RAW.parent.mkdir(exist_ok=True)
    RAW.write_text(json.dumps(measured, separators=(",", ":")) + "\n")
    report.place(BEGIN, table(measured))


def table(measured: dict[str, Any]) -> str:
    """The generated section of the page."""
    place, rounds = measured["machine"], measured["rounds"]
    lines = [
        (
            f"{place['date']}, {place['cores']} cores ({place['cpu']}), Python {place['python']}; n = "
            f"{len(rounds['direct'])} rounds, {sizes(rounds)}; fixed rate {measured['calls_per_second']:g} calls/s."
        ),
        "",
        "| setup | calls | p50, ms | p99, ms | added p50, ms [p10-p90] | added p99, ms [p10-p90] |",
        "| --- | --- | --- | --- | --- | --- |",
        *(f"| {name} | {WAYS[way]} | {row(rounds, name, way)} |" for way in WAYS for name in rounds),
        "",
        *(f"- {WAYS[way]}: {comparison(rounds, way)}" for way in WAYS),
        "",
    ]
    return "\n".join(lines)


def sizes(rounds: Rounds) -> str:
    """Calls per round and setup."""
    return " and ".join(f"{len(rounds['direct'][0][way])} calls {WAYS[way]}" for way in WAYS)


def row(rounds: Rounds, name: str, way: str) -> str:
    """Percentiles of a setup: medians over the rounds, and the difference to `direct` in the same round."""
    own = [f"{median(per_round(rounds, name, way, percent)):.2f}" for percent in PERCENTILES]
    more = [spread(added(rounds, name, way, percent)) if name != "direct" else "-" for percent in PERCENTILES]
    return " | ".join([*own, *more])


def comparison(rounds: Rounds, way: str) -> str:
    """Ratio of the mesh to the control in the same round, of total and of added latency; whether the goals hold."""
    more = [
        mine / theirs
        for mine, theirs in zip(added(rounds, "mesh", way, 50), added(rounds, "control", way, 50), strict=True)
    ]
    text = f"p50 of mesh / control {spread(of_control(rounds, way))}; of the added latency {spread(more)}"
    return f"{text}. {'; '.join(missed(rounds, way)) or 'All goals hold'}."


def of_control(rounds: Rounds, way: str) -> list[float]:
    """Ratio of the medians of mesh and control in the same round."""
    mesh, control = per_round(rounds, "mesh", way, 50), per_round(rounds, "control", way, 50)
    return [mine / theirs for mine, theirs in zip(mesh, control, strict=True)]


def missed(rounds: Rounds, way: str) -> list[str]:
    """Goals that the median over the rounds misses, one text each."""
    found = []
    for percent, most in MOST_ADDED_MS.items():
        more = median(added(rounds, "mesh", way, percent))
        if more > most:
            found.append(f"the goal of {most} ms more at p{percent} is missed: {more:.2f}")
    ratio = median(of_control(rounds, way))
    if ratio > MOST_OF_CONTROL:
        found.append(f"the goal of {MOST_OF_CONTROL} times the control at p50 is missed: {ratio:.2f}")
    return found


def per_round(rounds: Rounds, name: str, way: str, percent: int) -> list[float]:
    """One percentile of every round."""
    return [quantiles(sample[way], n=100, method="inclusive")[percent - 1] for sample in rounds[name]]


def added(rounds: Rounds, name: str, way: str, percent: int) -> list[float]:
    """Difference between a setup's percentile and that of `direct`, per round."""
    own, direct = per_round(rounds, name, way, percent), per_round(rounds, "direct", way, percent)
    return [mine - theirs for mine, theirs in zip(own, direct, strict=True)]


def spread(values: list[float]) -> str:
    """Median and the range from p10 to p90."""
    tenths = quantiles(values, n=10) if len(values) > 1 else values * 9
    return f"{median(values):.2f} [{tenths[0]:.2f}-{tenths[-1]:.2f}]"
