"""The command `meshed-mcp capacity`: how large monitoring must be for a stack, and where the stack is too small.

A stack's files and a few assumptions in; formulas with their numbers, sizes and warnings out. Not here: the factors and
their sources (`components/observability/sizing.py`).
"""

from math import ceil
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import typer
from rich.console import Console
from rich.table import Table

from meshed_mcp.components.core.quantity import cpu_millicores, memory_bytes
from meshed_mcp.components.mesh.monitor import SCRAPE_SECONDS
from meshed_mcp.components.observability import sizing
from meshed_mcp.components.observability.dashboards.choices import PROXY_SCRAPE_SECONDS
from meshed_mcp.components.observability.prometheus_values import RETENTION_SHARE
from meshed_mcp.components.observability.sizing import GIB, MIB, Load, Size
from meshed_mcp.cost import bounds
from meshed_mcp.infra.budgets import requests_of
from meshed_mcp.infra.plan import Plan, planned
from meshed_mcp.infra.recording.project import read_project

console = Console(highlight=False, soft_wrap=True)

PODS_PER_NODE: Final = 20
GOALS: Final = {"CPU": 0.02, "memory": 0.05}
"""Product rule: what monitoring may need of what services request. A small stack is always above it: Prometheus and
Jaeger need some memory for nothing."""


class Need(NamedTuple):
    """One size that a stack gives, beside the one that is needed; both in the field's own unit."""

    field: str
    given: float
    needed: float
    unit: str

    @property
    def short(self) -> bool:
        """Whether too little is given."""
        return self.needed > self.given


def capacity_command(
    stack: Annotated[str, typer.Option("--stack", "-s", help="Stack: reads Pulumi.<stack>.yaml.")],
    project: Annotated[Path, typer.Option("--project", "-p", help="Folder with Pulumi.yaml.")] = Path(),
    tools: Annotated[int, typer.Option(min=1, max=512, help="Tools of a server.")] = 20,
    organisations: Annotated[int, typer.Option(min=1, max=200, help="Organisations that call each tool.")] = 5,
    calls: Annotated[float, typer.Option(min=0, help="Calls per second of a pod.")] = 10,
    nodes: Annotated[int | None, typer.Option(min=1, help="Nodes of the cluster; by default one per 20 pods.")] = None,
) -> None:
    """Size Prometheus and Jaeger for a stack at its most replicas, and warn where the stack gives less."""
    files = read_project(project, stack)
    plan = planned(files.config, files.secret_keys)
    load = load_of(plan, tools, organisations, calls, nodes)
    for line in formulas(load, plan):
        console.print(line)
    found = needs(load, plan)
    console.print(table(found))
    for name, share in shares_of_services(load, plan).items():
        goal = f"{'within' if share < GOALS[name] else 'above'} the goal of {GOALS[name]:.0%}"
        console.print(f"{name}: monitoring needs {share:.1%} of what {load.pods} pods request, {goal}")
    for need in (each for each in found if each.short):
        console.print(f"warning: {need.field} is {need.given:g} {need.unit}; write {ceil(need.needed)} {need.unit}")


def load_of(plan: Plan, tools: int, organisations: int, calls: float, nodes: int | None) -> Load:
    """What the plan means for monitoring, at its most replicas."""
    pods = sum(bounds(plan, name)[1] for name in plan.services)
    tracing = plan.mesh.tracing
    return Load(
        pods=pods,
        nodes=nodes or ceil(pods / PODS_PER_NODE),
        tools=tools,
        organisations=organisations,
        calls_per_second=calls * pods,
        sampled=0.0 if tracing is None else tracing.sampling_percent / 100,
        server_seconds=SCRAPE_SECONDS,
        proxy_seconds=PROXY_SCRAPE_SECONDS,
        cluster_seconds=plan.observability.prometheus.scrape_interval_seconds,
    )


def formulas(load: Load, plan: Plan) -> list[str]:
    """How the numbers come about."""
    settings, per_histogram = plan.observability, sizing.SERIES_PER_HISTOGRAM
    operations = f"{per_histogram} x ({load.tools} tools + {sizing.OTHER_METHODS} methods) x {sizing.RESULTS}"
    others = f"{load.tools} x {load.organisations} organisations + {per_histogram} x {sizing.HTTP_LABEL_SETS}"
    samples, days = sizing.samples_per_second(load), settings.prometheus.retention_days
    spans = f"{load.calls_per_second:,.0f} calls/s x {sizing.SPANS_PER_CALL} x {load.sampled:g} sampled"
    base, each = sizing.PROMETHEUS_BASE_BYTES // MIB, sizing.BYTES_PER_SERIES // 1024
    return [
        f"series of a pod: {operations} + {others} + {sizing.SINGLE_SERIES} = {sizing.pod_series(load):,.0f}",
        *(
            f"series of {name}: {count:,.0f}, each {interval} s: {count / interval:,.0f} samples/s"
            for name, (count, interval) in sizing.series(load).items()
        ),
        f"disk of Prometheus: {samples:,.0f} samples/s x {sizing.BYTES_PER_SAMPLE} B x {days} d / {RETENTION_SHARE}",
        f"memory of Prometheus: {base} MiB + series x {each} KiB",
        f"spans: {spans} = {sizing.spans_per_second(load):,.0f}/s of {sizing.BYTES_PER_SPAN} B",
        f"disk of Jaeger: spans x {settings.jaeger.retention_hours} h",
    ]


def sizes(load: Load, plan: Plan) -> dict[str, Size]:
    """What each part needs, all replicas of it apart."""
    settings = plan.observability
    return {
        "prometheus": sizing.prometheus_size(load, settings.prometheus.retention_days, RETENTION_SHARE),
        "jaeger": sizing.jaeger_size(load, settings.jaeger.retention_hours),
    }


def needs(load: Load, plan: Plan) -> list[Need]:
    """Disk, memory and CPU of each part, as the stack writes them."""
    found: list[Need] = []
    for name, size in sizes(load, plan).items():
        given, where = getattr(plan.observability, name), f"observability.{name}"
        cpu, memory = given.resources.cpu, given.resources.memory
        found += [
            Need(f"{where}.storage_gib", given.storage_gib, size.disk_bytes / GIB, "GiB"),
            Need(f"{where}.resources.memory", memory_bytes(memory) / MIB, size.memory_bytes / MIB, "MiB"),
            Need(f"{where}.resources.cpu", cpu_millicores(cpu), size.cores * 1000, "m"),
        ]
    return found


def shares_of_services(load: Load, plan: Plan) -> dict[str, float]:
    """What monitoring needs, as a part of what services request at their most replicas."""
    cores = memory = 0.0
    for name, args in plan.services.items():
        requests = requests_of(args)
        cores += bounds(plan, name)[1] * sum(map(cpu_millicores, requests.cpu)) / 1000
        memory += bounds(plan, name)[1] * sum(map(memory_bytes, requests.memory))
    parts = sizes(load, plan)
    copies = {"prometheus": plan.observability.prometheus.replicas, "jaeger": 1}
    own_cores, own_memory = (
        sum(getattr(size, what) * copies[name] for name, size in parts.items()) for what in ("cores", "memory_bytes")
    )
    return {"CPU": own_cores / cores, "memory": own_memory / memory}


def table(found: list[Need]) -> Table:
    """Given and needed, side by side."""
    shown = Table("field", title="Sizes")
    for name in ("given", "needed"):
        shown.add_column(name, justify="right")
    for need in found:
        shown.add_row(need.field, f"{need.given:g} {need.unit}", f"{need.needed:.1f} {need.unit}")
    return shown
