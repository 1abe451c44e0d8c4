"""`make bench-rollout`: calls that are lost or duplicated while a service is updated, scaled, or loses a replica.

Writes bench/results/rollout.json.gz (every call) and a table in docs/reference/performance.md. The service runs
behind the rendered mesh (a gateway and a sidecar per replica), records every execution, and keeps sessions of older
clients. Load of both protocol eras is steady at the gateway while the main thread changes the stack, in the order of
Kubernetes.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from bench import report, rollout_report, stacks
from bench.processes import free_port
from bench.steady import MODERN, Call, Rates, Steady, executions, steady, verdict
from meshed_mcp.local.process.changes import kill, remove_draining, remove_endpoints, replicas_of, roll_out, scale
from meshed_mcp.local.process.container import RunFolders
from meshed_mcp.local.process.stack_runner import Running, running
from meshed_mcp.local.translate.endpoints import gateway_url
from meshed_mcp.local.translate.stack import read_stack

RATES: Final = Rates(modern=40, legacy=20, sessions=10, work_milliseconds=40)
CANARY_RATES: Final = Rates(modern=300, legacy=0, sessions=0, work_milliseconds=0)
"""Faster than RATES, because only the share is counted here."""

CANARY_CALLS: Final = 5000
CANARY_PERCENT: Final = 10
BEFORE_SECONDS: Final = 1.0
AFTER_SECONDS: Final = 1.5
"""Seconds of load before and after a change: every session calls twice before and three times after. A change is
complete when all proxies have it and all processes that it stops have exited, so the load after it shows no effect."""

NOTICED_SECONDS: Final = 1.0
"""From a replica's death until the control plane removes it: the kubelet checks its containers once a second.

Source: Kubernetes, kubelet, period of the pod lifecycle event generator.
"""

DEPLOYMENT: Final = stacks.COUNTED

Change = Callable[[Running, Path], object]


def updated(counts: Path, **more: Any) -> Change:
    """A change to other objects."""
    return lambda up, _: roll_out(up, read_stack(stacks.counted(counts, **more)))


def dies(up: Running, _: Path) -> object:
    """Kill a replica and its proxy; a second later the control plane removes it."""
    victim = replicas_of(up, DEPLOYMENT)[0]
    kill(up, victim)
    killed_at = time.perf_counter()
    time.sleep(NOTICED_SECONDS)
    remove_endpoints(up, [victim])
    return {"replica": victim.address, "killed_at": killed_at}


def process_dies(up: Running, _: Path) -> object:
    """Kill a replica's process but not its sidecar; a second later the control plane removes it."""
    victim = replicas_of(up, DEPLOYMENT)[0]
    up.services.kill(victim.name)
    killed_at = time.perf_counter()
    time.sleep(NOTICED_SECONDS)
    remove_endpoints(up, [victim])
    remove_draining(up, [victim])
    return {"replica": victim.address, "killed_at": killed_at}


def scenarios(counts: Path) -> dict[str, Change]:
    """Changes to one stack under load, in this order."""
    return {
        "rolling update, 3 replicas": updated(counts, replicas=3, version="2"),
        "canary step, 0 to 10 %": updated(counts, replicas=3, version="2", canary=10),
        "canary step, 10 to 50 %": updated(counts, replicas=3, version="2", canary=50),
        "canary back to 0": updated(counts, replicas=3, version="2"),
        "scale-in, 3 to 1": lambda up, _: scale(up, DEPLOYMENT, 1),
        "scale-out, 1 to 3": lambda up, _: scale(up, DEPLOYMENT, 3),
        "kill -9 of a replica and its proxy": dies,
        "scale-out after it": lambda up, _: scale(up, DEPLOYMENT, 3),
        "kill -9 of a replica's process alone": process_dies,
    }


def under_load(up: Running, counts: Path, name: str, change: Change, rates: Rates) -> dict[str, Any]:
    """Run one scenario: load before, the change, load after; return every call with its outcome."""
    with steady(Steady(url(up), rates, prefix=f"{name.replace(' ', '-')}-")) as load:
        time.sleep(BEFORE_SECONDS)
        began = time.perf_counter()
        details = change(up, counts)
        ended = time.perf_counter()
        time.sleep(AFTER_SECONDS)
    executed = executions(counts)
    found = verdict(load.calls, executed)
    lost = [call for call in load.calls if call.failure]
    details = details if isinstance(details, dict) else {}
    killed_at = details.get("killed_at", began)  # requests reach the process until its end
    return {
        "scenario": name,
        "seconds": ended - began,
        **found,
        "in_flight_at_kill": sum(call.at <= killed_at and call.at + call.seconds >= began for call in load.calls),
        "lost_in_flight": sum(call.at <= killed_at for call in lost),
        "lost_but_executed": sum(bool(executed[call.token]) for call in lost),
        "sessions_renewed": sum(session.renewals for session in load.sessions),
        "details": details,
        "calls_made": [kept(call, began) for call in load.calls],
    }


def kept(call: Call, began: float) -> list[Any]:
    """A call as it is saved: era, seconds since the change began, seconds it took, version and replica, failure."""
    answer = call.answer.removeprefix(call.token).strip()
    return [call.era, round(call.at - began, 4), round(call.seconds, 4), answer, call.failure]


def canary(up: Running, counts: Path) -> dict[str, Any]:
    """Modern calls at a canary of 10 %, and how many of them the canary served."""
    roll_out(up, read_stack(stacks.counted(counts, replicas=2, version="2", canary=CANARY_PERCENT)))
    with steady(Steady(url(up), CANARY_RATES, prefix="canary-")) as load:
        while len(load.calls) < CANARY_CALLS:
            time.sleep(0.1)
    calls = [call for call in load.calls if call.era == MODERN and not call.failure][:CANARY_CALLS]
    answered = sum(call.answer.split()[1] == "canary" for call in calls)
    return {
        **verdict(load.calls, executions(counts)),
        "weight_percent": CANARY_PERCENT,
        "counted": len(calls),
        "by_canary": answered,
        "percent": 100 * answered / len(calls),
    }


def url(up: Running) -> str:
    """The service at the gateway."""
    found = gateway_url(up, up.topology.stack.services[0])
    if found is None:
        raise RuntimeError("the service is not exposed")
    return found


@contextmanager
def started(folder: Path) -> Iterator[tuple[Running, Path]]:
    """Three replicas, and the folder in which they record executions."""
    counts = folder / "counts"
    counts.mkdir()
    stack = read_stack(stacks.counted(counts, replicas=3))
    with running(stack, free_port(), RunFolders(folder / "run", folder / "secrets"), print) as up:
        yield up, counts


def once(number: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Run every scenario on a new stack, then the canary."""
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as (up, counts):
        found = []
        for name, change in scenarios(counts).items():
            found.append(under_load(up, counts, name, change, RATES))
            print(number, name, {key: found[-1][key] for key in ("calls", "lost", "doubled")}, flush=True)
        share = canary(up, counts)
        print(number, share, flush=True)
        return found, share


def main() -> None:
    """Measure, save and print; exit with 1 if a call was lost or duplicated against the goals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=30, help="runs of every scenario, each on a new stack")
    parser.add_argument("--minutes", type=float, default=38, help="start no run after this many minutes")
    parser.add_argument("--trial", action="store_true", help="print the table, save nothing")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # ends the processes too
    measured: dict[str, Any] = {"machine": report.machine(), "rates": asdict(RATES), "scenarios": [], "canary": []}
    end = time.monotonic() + arguments.minutes * 60
    while len(measured["canary"]) < arguments.runs and (not measured["canary"] or time.monotonic() < end):
        found, share = once(len(measured["canary"]) + 1)
        measured["scenarios"] += found
        measured["canary"].append(share)
    if arguments.trial:
        print(rollout_report.table(measured))
    else:
        rollout_report.write(measured)
    if missed := rollout_report.missed(measured):
        raise SystemExit("\n".join(missed))


if __name__ == "__main__":
    main()
