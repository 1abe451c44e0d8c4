"""What the rollout bench found: every call as JSON, sums per scenario as a table in the documentation.

In: all scenarios. Out: bench/results/rollout.json.gz, and the rollout's part of docs/reference/performance.md.
"""

import gzip
import json
from typing import Any, Final

import report

RAW: Final = report.ROOT / "bench" / "results" / "rollout.json.gz"
BEGIN: Final = "<!-- measured: make bench-rollout -->\n"


def write(measured: dict[str, Any]) -> None:
    """Keep the raw numbers, replace the table, print it."""
    RAW.parent.mkdir(exist_ok=True)
    RAW.write_bytes(gzip.compress(json.dumps(measured, separators=(",", ":")).encode(), mtime=0))
    report.place(BEGIN, table(measured))


def table(measured: dict[str, Any]) -> str:
    """The measured part of the page."""
    place, rates = measured["machine"], measured["rates"]
    names = list(dict.fromkeys(found["scenario"] for found in measured["scenarios"]))
    lines = [
        (
            f"{place['date']}, {place['cores']} cores ({place['cpu']}), Python {place['python']}; every scenario "
            f"{len(measured['canary'])} times, {rates['modern']} modern and {rates['legacy']} legacy calls/s in "
            f"{rates['sessions']} sessions, each working {rates['work_milliseconds']} ms."
        ),
        "",
        "| scenario | calls | lost | of these in flight at the kill | doubled | sessions opened again |",
        "| --- | --- | --- | --- | --- | --- |",
        *(f"| {name} | {row(measured['scenarios'], name)} |" for name in names),
        "",
        *(f"- canary of {found['weight_percent']} %: {share(found)}." for found in measured["canary"]),
        "",
    ]
    return "\n".join(lines)


def row(scenarios: list[dict[str, Any]], name: str) -> str:
    """Sums of one scenario over all its runs."""
    mine = [found for found in scenarios if found["scenario"] == name]
    inside = sum(found["lost_in_flight"] for found in mine) if name.startswith("kill") else "-"
    keys = ("calls", "lost", "doubled", "sessions_renewed")
    calls, lost, doubled, renewed = (sum(found[key] for found in mine) for key in keys)
    return f"{calls:,} | {lost} | {inside} | {doubled} | {renewed}"


def share(found: dict[str, Any]) -> str:
    """How often the canary answered."""
    counts = f"{found['by_canary']:,} of {found['counted']:,} calls"
    return f"{found['percent']:.2f} % ({counts}), lost {found['lost']}, doubled {found['doubled']}"
