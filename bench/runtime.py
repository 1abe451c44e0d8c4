"""`make bench-runtime`: overhead of `MCPService` compared with the bare SDK server, measured side by side.

Writes bench/results/runtime.json (every raw number) and the table of docs/reference/performance.md. In each round,
each server in turn gets a warm-up and a run, in an order that rotates and reverses. Figures are medians of the ratios
within a round. `bare again` is the same server as `bare`, started twice; the difference is noise.
"""

import argparse
import os
import signal
import sys
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Final

from bench import report, sessions
from bench.load import Load
from bench.processes import CLIENT_CORE, Server, running
from meshed_mcp import contract

WARM_SECONDS: Final = 0.3
RUN_SECONDS: Final = 1.0
"""Short, so that the servers of one round meet the same machine load; many rounds give the median."""

Sample = dict[str, float]


def paths(collector_port: int) -> Mapping[str, tuple[str, Mapping[str, str]]]:
    """Script and environment of each compared server."""
    traced = {contract.ENV_OTLP_ENDPOINT: f"http://127.0.0.1:{collector_port}"}
    return {
        "bare": ("bare", {}),
        "bare again": ("bare", {}),
        "service": ("service", {}),
        "service, 1 % traced": ("service", {**traced, contract.ENV_TRACE_RATIO: "0.01"}),
        "service, 10 % traced": ("service", {**traced, contract.ENV_TRACE_RATIO: "0.1"}),
    }


def sample(server: Server, *, scraped: bool) -> Sample:
    """One run: calls/s and microseconds of the server's CPU per call, a scrape of its metrics included."""
    with Load(server.port) as load:
        load.run(WARM_SECONDS)
        before = server.cpu_seconds()
        calls, seconds = load.run(RUN_SECONDS)
    if scraped:
        urllib.request.urlopen(f"http://127.0.0.1:{server.management_port}{contract.METRICS_PATH}").read()
    cpu = server.cpu_seconds() - before
    return {"calls_per_second": calls / seconds, "cpu_microseconds": cpu / calls * 1e6, "busy": cpu / seconds}


def rounds(count: int) -> dict[str, list[Sample]]:
    """All samples of all servers."""
    with ExitStack() as stack:
        collector = stack.enter_context(running("collector"))
        os.sched_setaffinity(collector.process.pid, {CLIENT_CORE})
        servers = {
            name: stack.enter_context(running(script, variables))
            for name, (script, variables) in paths(collector.port).items()
        }
        samples: dict[str, list[Sample]] = {name: [] for name in servers}
        names = list(servers)
        for number in range(count):
            order = names[number % len(names) :] + names[: number % len(names)]
            for name in order if number % 2 else reversed(order):
                samples[name].append(sample(servers[name], scraped=name.startswith("service")))
            print(f"round {number + 1} of {count}", flush=True)
        return samples


def starts(count: int) -> dict[str, list[Sample]]:
    """Seconds to the first response, and memory after it, of new processes in turn."""
    found: dict[str, list[Sample]] = {"bare": [], "service": []}
    for _ in range(count):
        for script, samples in found.items():
            with running(script) as server:
                samples.append({"ready_seconds": server.ready_seconds, "memory_bytes": server.memory_bytes()})
    return found


def main() -> None:
    """Measure, save and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--starts", type=int, default=11)
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--trial", action="store_true", help="print the tables, save nothing")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {CLIENT_CORE})
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # ends the servers too
    measured = {
        "machine": report.machine(),
        "rounds": rounds(arguments.rounds),
        "starts": starts(arguments.starts),
        "sessions": sessions.abandoned(arguments.sessions),
    }
    report.write(measured, keep=not arguments.trial)


if __name__ == "__main__":
    main()
