"""Backtests of the load forecast on public traces and a synthetic one.

Writes raw figures as JSON and a table in docs/reference/backtest.md. Reads the traces in ../shared/data, or in the
folder that LOAD_TRACES names; docs/reference/backtest.md lists them. Run it with `make backtest`.
"""

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from meshed_mcp.components.autoscaling.args import ForecastSettings, ScalingSettings
from meshed_mcp.components.autoscaling.forecast.load_history import read
from meshed_mcp.components.autoscaling.forecast.model import Series
from meshed_mcp.components.autoscaling.forecast.policy_comparison import Comparison, compare, per_sync, verdict
from meshed_mcp.components.autoscaling.forecast.simulation import TARGET_SHARE, Outcome, Service, simulate

ROOT: Final = Path(__file__).parent.parent
TRACES: Final = Path(os.environ.get("LOAD_TRACES") or ROOT.parent / "shared" / "data")
RAW: Final = ROOT / "bench" / "results" / "backtest-traces.json"
PAGE: Final = ROOT / "docs" / "reference" / "backtest.md"
BEGIN, END = "<!-- measured: make backtest -->\n", "<!-- end -->\n"
DAY: Final = 24 * 60
JULY: Final = (0, int(13.6 * DAY))
AUGUST: Final = (31 * DAY + 3 * DAY, 31 * DAY + 17 * DAY)
"""14 days after the outage of 1 to 3 August."""

PEAK_REPLICAS: Final = 40
REPEATS: Final = 5


class Case(NamedTuple):
    """One load and one pod start time."""

    name: str
    load: Series
    pod_ready_seconds: float
    evaluated_from: int = 0
    """Minute before which the load is history only."""


def cases() -> Iterator[Case]:
    """All cases."""
    nasa = read(TRACES / "nasa-http-1995-per-minute.csv").values
    nab = read(TRACES / "nab-elb-requests-5min.csv").values
    for name, (first, last) in (("NASA July, 13.6 d", JULY), ("NASA August, 14 d", AUGUST)):
        for seconds in (30, 180):
            yield Case(f"{name}, pods {seconds} s", nasa[first:last], seconds)
    smooth = centered_mean(nasa[slice(*JULY)], 10)
    yield Case("NASA July, 10-minute mean, pods 30 s", smooth, 30)
    yield Case("weekdays 09:00 x4 for 1 h, first 14 d, pods 180 s", weekday_bursts(14), 180)
    yield Case("the same after 14 d of history, pods 180 s", weekday_bursts(28), 180, 14 * DAY)
    yield Case("NAB load balancer, 14 d, pods 30 s", nab, 30)


def centered_mean(values: Series, minutes: int) -> list[float | None]:
    """`values` smoothed over several minutes."""
    found: list[float | None] = []
    for minute in range(len(values)):
        near = [value for value in values[max(0, minute - minutes // 2) : minute + minutes // 2] if value is not None]
        found.append(sum(near) / len(near) if near and values[minute] is not None else None)
    return found


def weekday_bursts(days: int) -> list[float | None]:
    """A load of 10 that rises to 40 from 09:00 to 10:00 on weekdays."""
    return [
        40.0 if day % 7 < 5 and 9 * 60 <= minute < 10 * 60 else 10.0  # noqa: PLR2004 - five working days
        for day in range(days)
        for minute in range(DAY)
    ]


def service(case: Case) -> Service:
    """A service whose p99 load needs PEAK_REPLICAS."""
    known = sorted(value for value in case.load if value is not None)
    capacity = known[int(len(known) * 0.99)] / PEAK_REPLICAS / TARGET_SHARE
    return Service(ScalingSettings(max_replicas=3 * PEAK_REPLICAS), capacity, case.pod_ready_seconds)


def figures(outcome: Outcome, days: float) -> dict[str, float]:
    """One policy's figures, per day."""
    return {
        "overloaded_seconds": round(outcome.overloaded_seconds / days, 1),
        "unserved_percent": round(outcome.unserved_share * 100, 4),
        "replica_hours": round(outcome.replica_hours / days, 1),
        "over_provisioned_hours": round(outcome.over_provisioned_hours / days, 1),
    }


def result(case: Case) -> dict[str, Any]:
    """All figures of one case."""
    found = compare(service(case), case.load, ForecastSettings(), case.evaluated_from)
    policies = policy_outcomes(found)
    return {
        "case": case.name,
        "days": round(found.days, 2),
        "trusted_share": round(found.trusted_share, 3),
        "policies": {name: figures(outcome, found.days) for name, outcome in policies.items()},
        "verdict": verdict(found)[1],
    }


def policy_outcomes(found: Comparison) -> dict[str, Outcome]:
    """Policies in the order of the table."""
    return {
        "reactive": found.reactive,
        "forecast": found.predicted,
        "equal cost": found.equal_cost,
        "control": found.control,
    }


def simulation_seconds() -> list[float]:
    """CPU time of simulating 14 days of one service, reactive, REPEATS times."""
    case = Case("", weekday_bursts(14), 30)
    ticks, found = per_sync(case.load), []
    for _ in range(REPEATS):
        start = time.process_time()
        simulate(service(case), ticks)
        found.append(time.process_time() - start)
    return found


def table(results: list[dict[str, Any]]) -> str:
    """A row per case; four figures a cell are reactive / forecast / equal cost / control."""
    lines = [
        "| load, start of replicas | overloaded s per day | unserved % | replica-hours per day | trusted | verdict |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for item in results:
        policies = item["policies"].values()
        cells = [
            " / ".join(f"{policy[field]:,.{digits}f}" for policy in policies)
            for field, digits in (("overloaded_seconds", 0), ("unserved_percent", 3), ("replica_hours", 0))
        ]
        lines.append(f"| {item['case']} | {' | '.join(cells)} | {item['trusted_share']:.0%} | {item['verdict']} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run all cases, write the raw figures and the page."""
    if not (TRACES / "nasa-http-1995-per-minute.csv").is_file():
        sys.exit(f"no traces in {TRACES}; set the folder that has them: export LOAD_TRACES=<folder>")
    results, seconds = [result(case) for case in cases()], simulation_seconds()
    raw = {"python": platform.python_version(), "cores": os.cpu_count(), "cpu_seconds_14_days": seconds}
    RAW.write_text(json.dumps({**raw, "results": results}, indent=1) + "\n", encoding="utf-8")
    took = f"Simulating 14 days of one service took {statistics.median(seconds):.2f} s of CPU at the median"
    text = f"{table(results)}\n{took} (longest {max(seconds):.2f}, n = {len(seconds)}).\n"
    page = PAGE.read_text(encoding="utf-8")
    head, tail = page.split(BEGIN)[0], page.split(END)[1]
    PAGE.write_text(f"{head}{BEGIN}{text}{END}{tail}", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
