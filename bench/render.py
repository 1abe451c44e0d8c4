"""`make bench-render`: time to render a stack.

Renders generated stacks of 1 to 1,000 services, each called by the one before it. Writes bench/results/render.json
and a table in docs/reference/performance.md. Each run is a process of its own that records the unmodified program, as
`render`, `check` and the tests do. Its time includes the imports. Each round runs all sizes in turn.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, Final

import yaml

from bench import report
from meshed_mcp.infra.recording import record

ROOT: Final = Path(__file__).parent.parent
PROGRAM: Final = ROOT / "examples" / "quickstart"
RAW: Final = ROOT / "bench" / "results" / "render.json"
BEGIN: Final = "<!-- measured: make bench-render -->\n"
ROUNDS: Final = {1: 7, 50: 7, 200: 5, 1_000: 3}
"""Number of runs by number of services; the largest stacks take long."""

RUN_SECONDS: Final = 600
STACK: Final = "dev"


def services(count: int) -> dict[str, Any]:
    """`count` services in a chain; each allows the one before it as caller, with a policy for its tool."""
    found: dict[str, Any] = {}
    for number in range(count):
        callers = [f"mcp-{number - 1:04}"] if number else []
        found[f"mcp-{number:04}"] = {
            "image": "registry.example.com/mcp-search:1.0",
            "callers": callers,
            "tools": {"search": {"allow": callers}} if callers else {},
        }
    return found


def write_project(folder: Path, count: int) -> None:
    """The quick start's program with a stack file of `count` services, and a disk for their metrics."""
    for name in ("Pulumi.yaml", "__main__.py"):
        (folder / name).write_text((PROGRAM / name).read_text(encoding="utf-8"), encoding="utf-8")
    disk = {"prometheus": {"storage_gib": 100 + 3 * count}}
    config = {"meshed-mcp:services": services(count), "meshed-mcp:observability": disk}
    (folder / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump({"config": config}), encoding="utf-8")


def one_run(folder: Path) -> None:
    """Record the stack in this process; print the number of objects, CPU time and maximum memory."""
    objects = len(record(folder, STACK).objects)
    kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"objects": objects, "cpu_seconds": time.process_time(), "memory_bytes": kib * 1024}))


def measured_run(folder: Path) -> dict[str, float]:
    """Elapsed time of a run, with the figures that it prints."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "bench.render", folder.resolve()],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
    )
    return {"seconds": time.perf_counter() - start, **json.loads(done.stdout)}


def rounds() -> dict[str, list[dict[str, float]]]:
    """All runs by number of services."""
    found: dict[str, list[dict[str, float]]] = {str(count): [] for count in ROUNDS}
    with tempfile.TemporaryDirectory() as scratch:
        for count in ROUNDS:
            (folder := Path(scratch) / str(count)).mkdir()
            write_project(folder, count)
        for turn in range(max(ROUNDS.values())):
            for count in (size for size, times in ROUNDS.items() if turn < times):
                found[str(count)].append(measured_run(Path(scratch) / str(count)))
    return found


def table(place: dict[str, Any], found: dict[str, list[dict[str, float]]]) -> str:
    """A row per size: medians, and the longest run."""
    lines = [
        f"{place['date']}, {place['cores']} cores ({place['cpu']}), Python {place['python']}.",
        "",
        "| services | objects | seconds [longest] | CPU, s | CPU per service, ms | memory, MiB | n |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for count, runs in found.items():
        seconds, cpu = (sorted(run[key] for run in runs) for key in ("seconds", "cpu_seconds"))
        memory = median(run["memory_bytes"] for run in runs) / report.MIB
        lines.append(
            f"| {int(count):,} | {runs[0]['objects']:,} | {median(seconds):.2f} [{seconds[-1]:.2f}] "
            f"| {median(cpu):.2f} | {1_000 * median(cpu) / int(count):.0f} | {memory:.0f} | {len(runs)} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, save and print; with a folder as argument, run once."""
    if len(sys.argv) > 1:
        one_run(Path(sys.argv[1]))
        return
    place, found = report.machine(), rounds()
    RAW.write_text(json.dumps({"machine": place, "runs": found}, indent=1) + "\n", encoding="utf-8")
    report.place(BEGIN, table(place, found))


if __name__ == "__main__":
    main()
