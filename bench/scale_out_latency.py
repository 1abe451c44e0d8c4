"""`make bench-scale-out`: scale-out latency, from a step in load until new replicas respond.

Uses the rendered ScaledObject. Writes bench/results/scale-out-latency.json and docs/reference/performance.md. The
service runs behind the rendered mesh (a gateway and a sidecar per replica). A real Prometheus scrapes every 5 s, as
the PodMonitor sets. In the HPA path, the HPA's algorithm runs the trigger's own query at syncs of 15 s. The path of the
fast scaler is in fast_scaler_path.py. Scrape, sync and step have random phases. The processes start on this machine, so
the result leaves out what a cluster adds (scheduling, containers, start of a pod's sidecar).
"""

import argparse
import json
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench import report, stacks
from bench.fake_keda import Minimums
from bench.fast_scaler_path import Raised, extras, fast_scalers, pull, triggers_of, wait_until_recorded
from bench.processes import free_port
from bench.scale_out_latency_report import AFTER, BEFORE, PER_REPLICA, ScaleOut, missed, tables
from bench.steady import Rates, Steady, steady
from meshed_mcp.components.autoscaling import scalers
from meshed_mcp.components.autoscaling.args import AutoscalingPolicyArgs
from meshed_mcp.components.autoscaling.hpa.algorithm import SYNC_SECONDS
from meshed_mcp.components.core.manifest import Manifest
from meshed_mcp.local.observe.prometheus import Scraping, scraping
from meshed_mcp.local.process.autoscaler import Scaler, instant_query, scaled_deployments
from meshed_mcp.local.process.changes import replicas_of, scale
from meshed_mcp.local.process.container import RunFolders
from meshed_mcp.local.process.stack_runner import Running, running
from meshed_mcp.local.translate.endpoints import gateway_url
from meshed_mcp.local.translate.stack import read_stack

RAW: Final = report.ROOT / "bench" / "results" / "scale-out-latency.json"
BEGIN: Final = "<!-- measured: make bench-scale-out -->\n"
TARGETS: Final = {stacks.COUNTED: {"min_replicas": BEFORE, "max_replicas": 8, "in_flight_per_replica": PER_REPLICA}}

WORK_MILLISECONDS: Final = 500
BASE: Final = Rates(modern=12, legacy=0, sessions=0, work_milliseconds=WORK_MILLISECONDS)
STEP: Final = Rates(modern=18, legacy=0, sessions=0, work_milliseconds=WORK_MILLISECONDS)
"""6 in-flight requests, then 9 more: 15 at 4 per replica."""

SCRAPE_SECONDS: Final = 5
SETTLE_SECONDS: Final = 6
"""Time until the base load is in every gauge: a scrape and the duration of a call."""

GIVE_UP_SECONDS: Final = 90
LOOK_SECONDS: Final = 0.05


class Bench(NamedTuple):
    """The running processes."""

    up: Running
    seen: Scraping
    objects: list[Manifest]
    minimums: Minimums


Way = Callable[[Bench, Steady, set[str]], ScaleOut]
"""Path by which a step in load becomes replicas."""


def objects(counts: Path) -> list[Manifest]:
    """The service and its ScaledObject, with the product's defaults except for the requests per replica."""
    policy = {"targets": TARGETS, "namespace": stacks.NAMESPACE, "prometheus_url": "http://prometheus"}
    made = scalers.autoscaler_manifests(AutoscalingPolicyArgs.model_validate(policy))
    return [*stacks.counted(counts, replicas=BEFORE), *made]


def run_once(bench: Bench, path: Way) -> ScaleOut:
    """Run base load, step and scale-out; then restore the replica count and clear Prometheus."""
    up, seen = bench.up, bench.seen
    clear(seen)
    old = {pod.address for pod in replicas_of(up, stacks.COUNTED)}
    url = gateway_url(up, up.topology.stack.services[0]) or ""
    try:
        with steady(Steady(url, BASE, prefix="base-")):
            seen.follow(up.alive.values())
            time.sleep(SETTLE_SECONDS)
            wait_until_recorded(seen, GIVE_UP_SECONDS)
            time.sleep(random.uniform(0, SCRAPE_SECONDS))  # noqa: S311 - a phase, no secret
            with steady(Steady(url, STEP, prefix="step-")) as load:
                return path(bench, load, old)
    finally:
        scale(up, stacks.COUNTED, BEFORE)


def by_query(bench: Bench, load: Steady, old: set[str]) -> ScaleOut:
    """Sync from a random phase until all desired replicas respond. Raises TimeoutError."""
    up, seen = bench.up, bench.seen
    begun = time.perf_counter()
    apart = time.monotonic() - begun
    phase = random.uniform(0, SYNC_SECONDS)  # noqa: S311 - a phase, no secret
    due = time.monotonic() + phase
    scaler = Scaler(up, scaled_deployments(bench.objects), instant_query(seen.client.result), due=due)
    changes = []
    while time.perf_counter() - begun < GIVE_UP_SECONDS:
        seen.follow(up.alive.values())
        changes += scaler.step()
        serving = serving_since(begun, up, load, old)
        if serving is not None:
            full = next(change for change in changes if change.after >= AFTER)
            decided, ready = (moment - apart - begun for moment in (full.decided, full.done))
            size = len(replicas_of(up, stacks.COUNTED))
            return ScaleOut(changes[0].decided - apart - begun, decided, ready, serving, size)
        time.sleep(LOOK_SECONDS)
    raise TimeoutError(f"no {AFTER} replicas within {GIVE_UP_SECONDS} s of the step; changes: {changes}")


def by_fast_scaler(bench: Bench, load: Steady, old: set[str]) -> ScaleOut:
    """Apply raised minimums until all desired replicas respond. Raises TimeoutError."""
    begun, raised = time.perf_counter(), Raised(bench.up)
    triggers = triggers_of(TARGETS)
    try:
        while time.perf_counter() - begun < GIVE_UP_SECONDS:
            pull(raised, bench.seen, bench.minimums, triggers, begun)
            serving = None if raised.coming else serving_since(begun, bench.up, load, old)
            if serving is not None:
                decided = next(at for at, size in raised.changes if size >= AFTER)
                size = len(replicas_of(bench.up, stacks.COUNTED))
                return ScaleOut(raised.changes[0][0] - begun, decided - begun, raised.ready - begun, serving, size)
            time.sleep(LOOK_SECONDS)
    finally:
        raised.end()
    raise TimeoutError(f"no {AFTER} replicas within {GIVE_UP_SECONDS} s of the step; changes: {raised.changes}")


def serving_since(begun: float, up: Running, load: Steady, old: set[str]) -> float | None:
    """Seconds until the last new replica returned its first response; None before all have."""
    replicas = {pod.address for pod in replicas_of(up, stacks.COUNTED)}
    answers, new = first_answers(load), replicas - old
    if len(replicas) < AFTER or not new <= answers.keys():
        return None
    return max(answers[address] for address in new) - begun


def first_answers(load: Steady) -> dict[str, float]:
    """Time of the first response, by replica."""
    found: dict[str, float] = {}
    for call in list(load.calls):
        if not call.failure:
            address, at = call.answer.split()[2], call.at + call.seconds
            found[address] = min(at, found.get(address, at))
    return found


def clear(seen: Scraping) -> None:
    """Delete every series: the trigger's query holds a peak for 30 s, and the peak of the last run must not count."""
    seen.client.http.post("/api/v1/admin/tsdb/delete_series", params={"match[]": '{__name__=~".+"}'}).raise_for_status()


@contextmanager
def started(folder: Path) -> Iterator[Bench]:
    """The stack, its Prometheus with the rules of the fast scaler, the fast scaler's processes, and the objects."""
    counts = folder / "counts"
    counts.mkdir()
    found = objects(counts)
    folders = RunFolders(folder / "run", folder / "secrets")
    with (
        running(read_stack(found), free_port(), folders, print) as up,
        scraping(found, folders.state, extras(TARGETS)) as seen,
        fast_scalers(TARGETS, seen, folder) as minimums,
    ):
        yield Bench(up, seen, found, minimums)


PATHS: Final[dict[str, Way]] = {"query": by_query, "fast_scaler": by_fast_scaler}


def measure(bench: Bench, name: str, runs: int, minutes: float) -> dict[str, Any]:
    """Steps of one path, as many as fit into the time limit."""
    measured: dict[str, Any] = {"machine": report.machine(), "runs": [], "failed": []}
    end = time.monotonic() + minutes * 60
    while len(measured["runs"]) + len(measured["failed"]) < runs and time.monotonic() < end:
        try:
            measured["runs"].append(asdict(run_once(bench, PATHS[name])))
            print(name, measured["runs"][-1], flush=True)
        except TimeoutError as error:
            measured["failed"].append(str(error))
            print(name, error, flush=True)
    if not measured["runs"]:
        raise SystemExit(f"no step by the {name} came to an end")
    return measured


def main() -> None:
    """Measure, save and print; exit with 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=30, help="steps in load, per path")
    parser.add_argument("--minutes", type=float, default=20, help="start no run after this many minutes, per path")
    parser.add_argument("--path", choices=list(PATHS), help="run one path; keep the saved results of the other")
    parser.add_argument("--trial", action="store_true", help="print the tables, save nothing")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # ends the processes too
    chosen = [arguments.path] if arguments.path else list(PATHS)
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as bench:
        found = {name: measure(bench, name, arguments.runs, arguments.minutes) for name in chosen}
    if arguments.trial:
        print(tables(found))
    else:
        kept = json.loads(RAW.read_text()) | found
        RAW.write_text(json.dumps(kept, indent=1) + "\n")
        report.place(BEGIN, tables(kept))
    sys.exit(any(missed(name, found[name]) for name in chosen))


if __name__ == "__main__":
    main()
