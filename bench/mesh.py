"""`make bench-mesh`: the latency that two sidecars add to a `tools/call`, compared with two hand-written Envoys.

Writes bench/results/mesh.json (every call) and a table in docs/reference/performance.md. All setups use the same
server process: direct, the rendered mesh (mutual TLS, policy per caller and per tool, a limit, access log, 10 % of
the calls traced), the control (control.py). In each round every setup has its turn, in an order that rotates and
reverses. `direct again` is the same as `direct`; the difference between them is noise.
"""

import argparse
import json
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from bench import control, mesh_report, report, stacks
from bench.load import request_template
from bench.processes import free_port
from bench.processes import running as serving
from bench.timing import Caller, Target, answered, listens
from meshed_mcp import contract
from meshed_mcp.local.process.container import RunFolders
from meshed_mcp.local.process.engines import envoy_program
from meshed_mcp.local.process.processes import Processes, Program
from meshed_mcp.local.process.stack_runner import Running, running
from meshed_mcp.local.translate.envoy.telemetry import Collector
from meshed_mcp.local.translate.stack import read_stack
from meshed_mcp.local.translate.topology import OUTBOUND_PORT

WARM_CALLS: Final = 30
SEQUENTIAL_CALLS: Final = 300
RATE: Final = 200.0
"""Calls per second that every setup can sustain on two cores with headroom."""

RATE_SECONDS: Final = 3.0
CONNECTIONS: Final = 8
TRACED_OF: Final = 10
"""One call in this many has a sampled trace, as a caller's own decision sets it."""

TOOL: Final = "echo"
TOOLS: Final = {TOOL: {"allow": ["front"]}, "*": {"allow": []}}
START_SECONDS: Final = 30.0
LIMITS: Final = {TOOL: {"rate": "1000000/s"}}
"""Never reached, like the control's limit."""

STOP_SECONDS: Final = 5.0

Sample = dict[str, list[float]]


@contextmanager
def set_ups(folder: Path) -> Iterator[dict[str, Target]]:
    """All setups, running."""
    with ExitStack() as ends:
        sink = ends.enter_context(serving("collector"))
        collector = Collector(f"http://127.0.0.1:{sink.port}", "127.0.0.1", sink.port)
        stack = read_stack(
            [
                *stacks.mesh(tracing=stacks.TRACING, access_log={"requests": "all"}),
                *stacks.server("front", "service", replicas=1, callers=["back"]),
                *stacks.server(
                    "back", "service", replicas=1, callers=["front"], tools=TOOLS, rate_limits={"tools": LIMITS}
                ),
            ]
        )
        folders = RunFolders(folder / "run", folder / "secrets")
        up = ends.enter_context(running(stack, free_port(), folders, lambda line: print(line, flush=True), collector))
        host = f"back:{contract.MCP_PORT}"
        requests = tuple(request_template(host, {"traceparent": trace}) for trace in traces())
        chain = ends.enter_context(by_hand(up, folder))
        pods = {pod.deployment.name: pod for pod in up.topology.pods}
        front, back = pods["front"], pods["back"]
        peer = {"x-forwarded-client-cert": f"By={back.identity.uri};URI={front.identity.uri}"}
        known = tuple(request_template(host, {"traceparent": trace} | peer) for trace in traces())
        direct = Target((back.address, back.port), known, contract.SIDECAR_ADDRESSES[0])
        yield {
            "direct": direct,
            "mesh": Target((front.address, OUTBOUND_PORT), requests),
            "control": Target((chain, control.OUTBOUND_PORT), requests),
            "direct again": direct,
        }


def traces() -> list[str]:
    """Trace contexts to send in turn: one sampled, the others not. Source: W3C Trace Context, `traceparent`."""
    return [
        f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-{'01' if number == 0 else '00'}"
        for number in range(TRACED_OF)
    ]


@contextmanager
def by_hand(up: Running, folder: Path) -> Iterator[str]:
    """The control chain in front of the same server, with the same certificates; yields the caller's side."""
    pods = {pod.deployment.name: pod for pod in up.topology.pods}
    front, back = pods["front"], pods["back"]
    keys = up.configurations.keys
    configurations = {
        "caller": control.caller(front.address, back.address, keys.files(front.identity), back.identity.uri),
        "server": control.server(
            back.address, (back.address, back.port), keys.files(back.identity), front.identity.uri, TOOL
        ),
    }
    with Processes(STOP_SECONDS) as processes:
        for name, configuration in configurations.items():
            file = folder / f"control-{name}.json"
            file.write_text(json.dumps(configuration))
            options = ("--concurrency", "1", "--disable-hot-restart", "--log-level", "warning")
            command = (str(envoy_program()), "-c", str(file), *options)
            processes.start(Program(f"control {name}", command, {}, folder / f"control-{name}.log"))
        places = {
            "control caller": (front.address, control.OUTBOUND_PORT),
            "control server": (back.address, control.INBOUND_PORT),
        }
        processes.wait_until(lambda name: listens(places[name]), START_SECONDS, print)
        yield front.address


def rounds(targets: dict[str, Target], count: int, minutes: float) -> dict[str, list[Sample]]:
    """Every call of every setup, in milliseconds; no round but the first starts after `minutes`."""
    samples: dict[str, list[Sample]] = {name: [] for name in targets}
    names, end = list(targets), time.monotonic() + minutes * 60
    for number in range(count):
        if number and time.monotonic() > end:
            break
        order = names[number % len(names) :] + names[: number % len(names)]
        for name in order if number % 2 else reversed(order):
            samples[name].append(sample(targets[name]))
        print(f"round {number + 1} of {count}", flush=True)
    return samples


def sample(target: Target) -> Sample:
    """One turn: sequential calls, then calls at the fixed rate."""
    with Caller(target, CONNECTIONS) as caller:
        caller.sequential(WARM_CALLS)
        sequential = caller.sequential(SEQUENTIAL_CALLS)
        caller.at_rate(RATE, RATE_SECONDS / 10)
        at_rate = caller.at_rate(RATE, RATE_SECONDS)
    return {
        "sequential_ms": [round(seconds * 1000, 4) for seconds in sequential],
        "at_rate_ms": [round(seconds * 1000, 4) for seconds in at_rate],
    }


def checked(targets: dict[str, Target]) -> None:
    """Check that every setup responds and that setups with a policy reject what it forbids. Raises RuntimeError."""
    for name, target in targets.items():
        for wrong, status in ((b"", b"200"), (b"mcp-name: other", b"403")):
            if wrong and name.startswith("direct"):
                continue
            request = target.requests[0].replace(f"mcp-name: {TOOL}".encode(), wrong) if wrong else target.requests[0]
            answer = answered(target, request)
            if not answer.startswith(b"HTTP/1.1 " + status):
                raise RuntimeError(f"{name}: expected {status!r}, got {answer[:300]!r}")


def main() -> None:
    """Measure, save and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=40, help="rounds")
    parser.add_argument("--minutes", type=float, default=14, help="start no round after this many minutes")
    parser.add_argument("--trial", action="store_true", help="print the table, save nothing")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # ends the processes too
    machine = report.machine()
    with tempfile.TemporaryDirectory() as folder, set_ups(Path(folder)) as targets:
        checked(targets)
        samples = rounds(targets, arguments.runs, arguments.minutes)
    measured = {"machine": machine, "calls_per_second": RATE, "rounds": samples}
    if arguments.trial:
        print(mesh_report.table(measured))
    else:
        mesh_report.write(measured)


if __name__ == "__main__":
    main()
