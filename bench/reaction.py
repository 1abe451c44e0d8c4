"""`make bench-reaction`: from a step in load to replicas that are ready and answer, with the rendered ScaledObject.

Out: bench/results/reaction.json and a table in docs/reference/performance.md. The service runs behind the rendered mesh
(a gateway and a sidecar per replica); a real Prometheus scrapes every 5 s as the PodMonitor says; the trigger's own
query is asked at syncs of 15 s by the HPA's algorithm. Scrape, sync and step have random phases. What a cluster adds
(scheduling, containers, a sidecar's start in a pod) is not in it: the processes start on this machine.
"""

import argparse
import json
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

import report
import stacks
from processes import free_port
from steady import Rates, Steady, steady

from meshed_mcp.components.autoscaling import scalers
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs
from meshed_mcp.components.autoscaling.hpa import SYNC_SECONDS
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.local.changing import replicas_of, scale
from meshed_mcp.local.container import Places
from meshed_mcp.local.endpoints import gateway_url
from meshed_mcp.local.running import Running, running
from meshed_mcp.local.scaling import Scaler, one_number, read_scaled
from meshed_mcp.local.scraping import Scraping, scraping
from meshed_mcp.local.stack import read_stack

RAW: Final = report.ROOT / "bench" / "results" / "reaction.json"
BEGIN: Final = "<!-- measured: make bench-reaction -->\n"
GOAL_SECONDS: Final = 30

PER_REPLICA: Final = 4
BEFORE, AFTER = 2, 4
"""Replicas before the step, and those that its load needs."""

WORK_MILLISECONDS: Final = 500
BASE: Final = Rates(modern=12, legacy=0, sessions=0, work_milliseconds=WORK_MILLISECONDS)
STEP: Final = Rates(modern=18, legacy=0, sessions=0, work_milliseconds=WORK_MILLISECONDS)
"""6 calls in work, then 9 more: 15 at 4 each."""

SCRAPE_SECONDS: Final = 5
SETTLE_SECONDS: Final = 6
"""Until the base load is in every gauge: a scrape and what a call takes."""

GIVE_UP_SECONDS: Final = 90
LOOK_SECONDS: Final = 0.05


@dataclass(frozen=True)
class Reaction:
    """One step: seconds from it to the first raise, to the full size, to every new replica ready, to its first call."""

    first: float
    decided: float
    ready: float
    serving: float
    replicas: int


def objects(counts: Path) -> list[Manifest]:
    """The service, and its ScaledObject with the product's defaults but for the calls per replica."""
    raw = {"min_replicas": BEFORE, "max_replicas": 8, "in_flight_per_replica": PER_REPLICA}
    policy = {"targets": {stacks.COUNTED: raw}, "namespace": stacks.NAMESPACE, "prometheus_url": "http://prometheus"}
    made = scalers.manifests(AutoscalingPolicyArgs.model_validate(policy))
    return [*stacks.counted(counts, replicas=BEFORE), *made]


def run_once(up: Running, seen: Scraping, found: list[Manifest]) -> Reaction:
    """Base load, the step, the reaction; then the size from before again, and nothing of the run in Prometheus."""
    clear(seen)
    old = {pod.address for pod in replicas_of(up, stacks.COUNTED)}
    url = gateway_url(up, up.topology.stack.services[0]) or ""
    try:
        with steady(Steady(url, BASE, prefix="base-")):
            seen.follow(up.alive.values())
            time.sleep(SETTLE_SECONDS + random.uniform(0, SCRAPE_SECONDS))  # noqa: S311 - a phase, no secret
            with steady(Steady(url, STEP, prefix="step-")) as load:
                return react(up, seen, found, load, old)
    finally:
        scale(up, stacks.COUNTED, BEFORE)


def react(up: Running, seen: Scraping, found: list[Manifest], load: Steady, old: set[str]) -> Reaction:
    """Sync from a random phase on until all wanted replicas answer. Raises TimeoutError."""
    begun = time.perf_counter()
    apart = time.monotonic() - begun
    phase = random.uniform(0, SYNC_SECONDS)  # noqa: S311 - a phase, no secret
    scaler = Scaler(up, read_scaled(found), one_number(seen.asking.result), due=time.monotonic() + phase)
    changes = []
    while time.perf_counter() - begun < GIVE_UP_SECONDS:
        seen.follow(up.alive.values())
        changes += scaler.step()
        replicas = {pod.address for pod in replicas_of(up, stacks.COUNTED)}
        first_calls = first_answers(load)
        new = replicas - old
        if len(replicas) >= AFTER and new <= first_calls.keys():
            full = next(change for change in changes if change.after >= AFTER)
            decided, ready = (moment - apart - begun for moment in (full.decided, full.done))
            serving = max(first_calls[address] for address in new) - begun
            return Reaction(changes[0].decided - apart - begun, decided, ready, serving, len(replicas))
        time.sleep(LOOK_SECONDS)
    raise TimeoutError(f"no {AFTER} replicas within {GIVE_UP_SECONDS} s of the step; changes: {changes}")


def first_answers(load: Steady) -> dict[str, float]:
    """Replica -> when its first answer came."""
    found: dict[str, float] = {}
    for call in list(load.calls):
        if not call.failure:
            address, at = call.answer.split()[2], call.at + call.seconds
            found[address] = min(at, found.get(address, at))
    return found


def clear(seen: Scraping) -> None:
    """Forget every series: the trigger's query holds a peak for 30 s, and the last run's must not count."""
    seen.asking.http.post("/api/v1/admin/tsdb/delete_series", params={"match[]": '{__name__=~".+"}'}).raise_for_status()


@contextmanager
def started(folder: Path) -> Iterator[tuple[Running, Scraping, list[Manifest]]]:
    """The stack, its Prometheus, its objects."""
    counts = folder / "counts"
    counts.mkdir()
    found = objects(counts)
    places = Places(folder / "run", folder / "secrets")
    with running(read_stack(found), free_port(), places, print) as up, scraping(found, places.state) as seen:
        yield up, seen, found


def table(measured: dict[str, Any]) -> str:
    """The measured part of the page."""
    place, runs = measured["machine"], [Reaction(**run) for run in measured["runs"]]
    p99 = percentile([run.serving for run in runs], 99)
    where = f"{place['date']}, {place['cores']} cores ({place['cpu']})"
    what = f"steps from 6 to 15 calls in work at {PER_REPLICA} per replica ({BEFORE} -> {AFTER})"
    lines = [
        f"{where}; n = {len(runs)} {what}; {len(measured['failed'])} without an end.",
        "",
        "| seconds from the step to | p50 | p90 | p99 | max |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name in ("first", "decided", "ready", "serving"):
        values = [getattr(run, name) for run in runs]
        cells = [f"{percentile(values, each):.1f}" for each in (50, 90, 99)]
        lines.append(f"| {NAMES[name]} | {' | '.join(cells)} | {max(values):.1f} |")
    said = "holds" if p99 < GOAL_SECONDS and not measured["failed"] else "is missed"
    lines += [
        "",
        f"The goal of {GOAL_SECONDS} s at p99 {said}: {p99:.1f} s. Of n steps p99 is close to the maximum.",
        "",
    ]
    return "\n".join(lines)


NAMES: Final = {
    "first": "the first raise",
    "decided": "the full size",
    "ready": "all new replicas ready",
    "serving": "all new replicas have answered",
}


def percentile(values: list[float], percent: int) -> float:
    """A percentile, between the values around it; of one value itself."""
    return quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else values[0]


def main() -> None:
    """Measure, keep, tell; ends with 1 when the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=30, help="steps in load")
    parser.add_argument("--minutes", type=float, default=20, help="no run begins after this; fewer runs are told")
    parser.add_argument("--trial", action="store_true", help="print the table, keep nothing")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the processes end too
    measured: dict[str, Any] = {"machine": report.machine(), "runs": [], "failed": []}
    end = time.monotonic() + arguments.minutes * 60
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as (up, seen, found):
        while len(measured["runs"]) + len(measured["failed"]) < arguments.runs and time.monotonic() < end:
            try:
                measured["runs"].append(asdict(run_once(up, seen, found)))
                print(measured["runs"][-1], flush=True)
            except TimeoutError as error:
                measured["failed"].append(str(error))
                print(error, flush=True)
    if not measured["runs"]:
        raise SystemExit("no step came to an end")
    if arguments.trial:
        print(table(measured))
        return
    RAW.write_text(json.dumps(measured, indent=1) + "\n")
    report.place(BEGIN, table(measured))


if __name__ == "__main__":
    main()
