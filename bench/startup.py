"""`make bench-startup`: CPU seconds of `meshed-mcp --help` and of `check` on the quick start.

Runs the installed command. Writes bench/results/startup.json and a table in docs/reference/performance.md. Each round
runs both commands and two reference imports in turn, so that all of them meet the same machine. User and system time
count, because elapsed time on a shared machine says little. Bytecode is compiled before the first round, as an
installer does.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench import report

ROOT: Final = Path(__file__).parent.parent
RAW: Final = ROOT / "bench" / "results" / "startup.json"
BEGIN: Final = "<!-- measured: make bench-startup -->\n"
ROUNDS: Final = 9
COMMAND: Final = str(Path(sys.executable).with_name("meshed-mcp"))
IMPORTS: Final = "import typer, rich", "import pulumi"
RUNS: Final = {
    **{text: [sys.executable, "-c", text] for text in IMPORTS},
    "meshed-mcp --help": [COMMAND, "--help"],
    "meshed-mcp check": [COMMAND, "check", "--stack", "dev", "--project", str(ROOT / "examples" / "quickstart")],
}
REFERENCE_SECONDS: Final = dict(zip(IMPORTS, (0.17, 0.40), strict=True))
"""CPU seconds of the imports on the core to which the goals refer."""

GOAL_SECONDS: Final = {
    "meshed-mcp --help": (0.5, IMPORTS[:1]),
    "meshed-mcp check": (1.6, IMPORTS),
}
"""Goal on that core, and the imports whose time scales it to this machine."""


def cpu_seconds(command: list[str]) -> float:
    """User and system time of one run. Raises CalledProcessError if it fails."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    return usage.ru_utime + usage.ru_stime


def rounds() -> dict[str, list[float]]:
    """CPU seconds of every run, after one warm-up round."""
    found: dict[str, list[float]] = {name: [] for name in RUNS}
    for turn in range(ROUNDS + 1):
        for name, command in RUNS.items():
            seconds = cpu_seconds(command)
            if turn:
                found[name].append(seconds)
    return found


def goal(name: str, found: dict[str, list[float]]) -> float | None:
    """The goal of a command on this machine, in CPU seconds; None for an import."""
    if name not in GOAL_SECONDS:
        return None
    seconds, imports = GOAL_SECONDS[name]
    return seconds * sum(min(found[each]) for each in imports) / sum(REFERENCE_SECONDS[each] for each in imports)


def table(place: dict[str, Any], found: dict[str, list[float]]) -> str:
    """A row per command: minimum, median and goal."""
    lines = [
        f"{place['date']}, {place['cores']} cores ({place['cpu']}), Python {place['python']}.",
        "",
        "| command | CPU, s: minimum | median | goal here | n |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, seconds in found.items():
        most = goal(name, found)
        cell = "" if most is None else f"{most:.2f}"
        lines.append(f"| `{name}` | {min(seconds):.2f} | {median(seconds):.2f} | {cell} | {len(seconds)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, save and print."""
    place, found = report.machine(), rounds()
    RAW.write_text(json.dumps({"machine": place, "cpu_seconds": found}, indent=1) + "\n", encoding="utf-8")
    report.place(BEGIN, table(place, found))


if __name__ == "__main__":
    main()
