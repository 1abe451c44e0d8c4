"""Report of the runtime benchmark: raw numbers as JSON, medians as a table in the documentation.

Takes all samples. Writes bench/results/runtime.json and the part of docs/reference/performance.md between its
markers.
"""

import json
import math
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
RAW: Final = ROOT / "bench" / "results" / "runtime.json"
PAGE: Final = ROOT / "docs" / "reference" / "performance.md"
BEGIN, END = "<!-- measured: make bench-runtime -->\n", "<!-- end -->\n"
BASE: Final = "bare"
MIB: Final = 2**20
LEAST_ROUNDS: Final = 6
"""Between the least and the greatest of n values lies the median with 1 - 2 / 2^n: 95 % needs six."""


def machine() -> dict[str, Any]:
    """Machine and versions of the measurement."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    return {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "cpu": names[0] if names else platform.machine(),
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "python": platform.python_version(),
        "mcp": version("mcp"),
        "uvicorn": version("uvicorn"),
    }


def write(measured: dict[str, Any], *, keep: bool) -> None:
    """Print the table; with `keep`, save it to the page, and the raw numbers."""
    if not keep:
        print(tables(measured))
        return
    RAW.parent.mkdir(exist_ok=True)
    RAW.write_text(json.dumps(measured, indent=1) + "\n")
    place(BEGIN, tables(measured))


def place(begin: str, table: str) -> None:
    """Replace the section of the page between the markers, and print it."""
    before, _, rest = PAGE.read_text().partition(begin)
    PAGE.write_text(before + begin + table + END + rest.partition(END)[2])
    print(table)


def tables(measured: dict[str, Any]) -> str:
    """The generated section of the page."""
    place, samples = measured["machine"], measured["rounds"]
    versions = f"Python {place['python']}, mcp {place['mcp']}, uvicorn {place['uvicorn']}"
    lines = [
        f"{place['date']}, {place['cores']} cores ({place['cpu']}), {versions}; n = {len(samples[BASE])} rounds.",
        "",
        "Of bare: median of the ratios (95 % confidence interval) [p10-p90 of the rounds].",
        "",
        "| server | calls/s | of bare | CPU per call, us | of bare |",
        "| --- | --- | --- | --- | --- |",
        *(f"| {name} | {row(samples, name)} |" for name in samples),
        "",
        *once(measured),
        "",
    ]
    return "\n".join(lines)


def row(samples: dict[str, list[dict[str, float]]], name: str) -> str:
    """Medians of one server, and its ratios to the bare one in the same round."""
    cells = []
    for figure, form in (("calls_per_second", "{:,.0f}"), ("cpu_microseconds", "{:.0f}")):
        own, base = ([sample[figure] for sample in samples[key]] for key in (name, BASE))
        ratios = [mine / theirs for mine, theirs in zip(own, base, strict=True)]
        tenths = quantiles(ratios, n=10) if len(ratios) > 1 else ratios * 9
        spread = f"{confidence(ratios)} [{tenths[0]:.2f}-{tenths[-1]:.2f}]"
        cells += [form.format(median(own)), f"{median(ratios):.3f} {spread}"]
    return " | ".join(cells)


def confidence(values: list[float]) -> str:
    """95 % confidence interval of the median, for any distribution: ranks around the middle.

    Source: binomial distribution with p = 1/2 in its normal approximation, n/2 - 1.96 sqrt(n)/2.
    """
    if len(values) < LEAST_ROUNDS:
        return "(too few rounds)"
    rank = max(0, math.floor((len(values) - 1.96 * math.sqrt(len(values))) / 2))
    return f"({sorted(values)[rank]:.3f}-{sorted(values)[-1 - rank]:.3f})"


def once(measured: dict[str, Any]) -> list[str]:
    """One line each for start, memory and sessions."""
    found, lines = measured["starts"], []
    for name, samples in found.items():
        seconds, memory = (sorted(sample[key] for sample in samples) for key in ("ready_seconds", "memory_bytes"))
        lines.append(
            f"- {name}: start to first response {median(seconds):.2f} s (longest {seconds[-1]:.2f}), "
            f"idle memory {median(memory) / MIB:.0f} MiB; n = {len(samples)}."
        )
    held = measured["sessions"]
    before, most, after, again = (held[f"{key}_bytes"] / MIB for key in ("before", "held", "after", "held_again"))
    opened = f"{held['count']:,} sessions opened and abandoned"
    left = f"{after:.0f} after they expired ({after / before:.2f} of before)"
    sizes = f"{before:.0f} MiB before, {most:.0f} with {held['open_at_most']:,.0f} open, {left}"
    lines.append(f"- {opened}: {sizes}, {again:.0f} with as many open again ({again / most:.2f} of the first time).")
    return lines
