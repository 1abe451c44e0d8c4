"""Report of the rollout benchmark: every call as JSON, totals per scenario as a table, and missed goals.

Takes all scenarios. Writes bench/results/rollout.json.gz and the rollout section of docs/reference/performance.md.
"""

import gzip
import json
from typing import Any, Final

from bench import report

RAW: Final = report.ROOT / "bench" / "results" / "rollout.json.gz"
BEGIN: Final = "<!-- measured: make bench-rollout -->\n"
DEATH: Final = "kill"
"""Name prefix of the scenarios that may lose in-flight calls with their replica; the others may lose none."""

MOST_POINTS_BESIDE: Final = 2.0
"""Product rule: maximum difference between the canary's share and its weight, in percentage points."""


def write(measured: dict[str, Any]) -> None:
    """Save the raw numbers, replace the table and print it."""
    RAW.parent.mkdir(exist_ok=True)
    RAW.write_bytes(gzip.compress(json.dumps(measured, separators=(",", ":")).encode(), mtime=0))
    report.place(BEGIN, table(measured))


def table(measured: dict[str, Any]) -> str:
    """The generated section of the page."""
    place, rates = measured["machine"], measured["rates"]
    names = list(dict.fromkeys(found["scenario"] for found in measured["scenarios"]))
    lines = [
        (
            f"{place['date']}, {place['cores']} cores ({place['cpu']}), Python {place['python']}; every scenario "
            f"{len(measured['canary'])} times, {rates['modern']} modern and {rates['legacy']} legacy calls/s in "
            f"{rates['sessions']} sessions, each working {rates['work_milliseconds']} ms."
        ),
        "",
        "| scenario | calls | lost | of these in flight at the kill | duplicated | sessions reopened |",
        "| --- | --- | --- | --- | --- | --- |",
        *(f"| {name} | {row(measured['scenarios'], name)} |" for name in names),
        "",
        f"- {shares(measured['canary'])}.",
        f"- {'; '.join(missed(measured)) or 'No other call was lost or duplicated, and all goals hold'}.",
        "",
    ]
    return "\n".join(lines)


def row(scenarios: list[dict[str, Any]], name: str) -> str:
    """Totals of one scenario over all its runs."""
    mine = [found for found in scenarios if found["scenario"] == name]
    inside = sum(found["lost_in_flight"] for found in mine) if name.startswith(DEATH) else "-"
    keys = ("calls", "lost", "doubled", "sessions_renewed")
    calls, lost, doubled, renewed = (sum(found[key] for found in mine) for key in keys)
    return f"{calls:,} | {lost} | {inside} | {doubled} | {renewed}"


def shares(found: list[dict[str, Any]]) -> str:
    """Share of calls that the canaries of all runs served."""
    percents = sorted(each["percent"] for each in found)
    calls, lost, doubled = (sum(each[key] for each in found) for key in ("counted", "lost", "doubled"))
    share = f"{percents[0]:.2f} to {percents[-1]:.2f} % of {calls // len(found):,} calls, n = {len(found)}"
    return f"canary of {found[0]['weight_percent']} %: {share}; lost {lost}, duplicated {doubled} of {calls:,}"


def missed(measured: dict[str, Any]) -> list[str]:
    """Missed goals, one text each; empty if all hold."""
    found = [
        f"{each['scenario']}: {number} {what}"
        for each in measured["scenarios"]
        for what, number in (
            (
                "lost that were not in flight",
                each["lost"] - each["lost_in_flight"] * each["scenario"].startswith(DEATH),
            ),
            ("duplicated", each["doubled"]),
            ("without a recorded execution", each["answered_unexecuted"]),
        )
        if number
    ]
    for each in measured["canary"]:
        if each["lost"] or each["doubled"]:
            found.append(f"canary: {each['lost']} lost, {each['doubled']} doubled")
        if abs(each["percent"] - each["weight_percent"]) > MOST_POINTS_BESIDE:
            found.append(f"canary: {each['percent']:.2f} % of the calls for a weight of {each['weight_percent']} %")
    return found
