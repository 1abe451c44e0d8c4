"""Command `meshed-mcp capacity`: sizes monitoring for a stack, and warns of too small resources.

The factors and their sources are in `components/observability/sizing/formula.py`.
"""

from math import ceil
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import typer
from rich.console import Console
from rich.table import Table

from meshed_mcp.cli.cost import bounds
from meshed_mcp.cli.options import ProjectOption, StackOption
from meshed_mcp.components.core.quantity import cpu_millicores, memory_bytes
from meshed_mcp.components.core.scraping import PROXY_SECONDS, SERVER_SECONDS
from meshed_mcp.components.observability.args import PrometheusSettings
from meshed_mcp.components.observability.existing import installed
from meshed_mcp.components.observability.prometheus.values import RETENTION_SHARE
from meshed_mcp.components.observability.sizing import formula
from meshed_mcp.components.observability.sizing.formula import GIB, MIB, Load, Size, Tail
from meshed_mcp.components.observability.sizing.resources import Reservation
from meshed_mcp.components.observability.tracing.jaeger_args import BadgerStorage, JaegerSettings, SearchStorage
from meshed_mcp.error_codes.cli import RESERVATION_TOO_SMALL
from meshed_mcp.infra.plan import Plan, planned
from meshed_mcp.infra.recording.project import read_project
from meshed_mcp.infra.validation.budgets import requests_of

console = Console(highlight=False, soft_wrap=True)

PODS_PER_NODE: Final = 20
GOALS: Final = {"CPU": 0.02, "memory": 0.02}
"""Product rule: share of the services' requests that monitoring may need. A small stack exceeds it, because Prometheus
and Jaeger have a base memory."""


class Need(NamedTuple):
    """A field with its given and its needed size, in its unit."""

    field: str
    given: float
    needed: float
    unit: str


def capacity_command(
    stack: StackOption,
    project: ProjectOption = Path(),
    tools: Annotated[int, typer.Option(min=1, max=512, help="Tools of a server.")] = 20,
    organizations: Annotated[int, typer.Option(min=1, max=200, help="Organizations that call each tool.")] = 5,
    calls: Annotated[float, typer.Option(min=0, help="Calls per second of a pod.")] = 10,
    nodes: Annotated[int | None, typer.Option(min=1, help="Nodes of the cluster; by default one per 20 pods.")] = None,
) -> None:
    """Size Prometheus, Jaeger and the collectors for a stack at its maximum of replicas; warn of smaller sizes."""
    files = read_project(project, stack)
    plan = planned(files.config, files.secret_keys)
    load = load_of(plan, tools, organizations, calls, nodes)
    for line in formulas(load, plan):
        console.print(line)
    found = needs(load, plan)
    if not found:
        console.print("The stack installs no part of monitoring: compare the numbers with the existing one.")
        return
    console.print(table(found))
    for name, share in shares_of_services(load, plan).items():
        goal = f"{'within' if share < GOALS[name] else 'above'} the goal of {GOALS[name]:.0%}"
        console.print(f"{name}: monitoring needs {share:.1%} of what {load.pods} pods request, {goal}")
    for need in (each for each in found if each.needed > each.given):
        shortage = RESERVATION_TOO_SMALL.message(
            field=need.field, given=need.given, unit=need.unit, needed=ceil(need.needed)
        )
        console.print(f"warning {shortage.line}")


RUNTIME_TRACE_RATIO: Final = 0.1
"""Ratio of the traces that start in a server without a proxy in front. Source: agents/settings.py, `trace_ratio`."""


def load_of(plan: Plan, tools: int, organizations: int, calls: float, nodes: int | None) -> Load:
    """Load of the plan on monitoring, at the maximum of replicas."""
    most = {name: bounds(plan, name)[1] for name in plan.services}
    pods = sum(most.values())
    tracing = plan.mesh.tracing
    return Load(
        pods=pods,
        nodes=nodes or ceil(pods / PODS_PER_NODE),
        tools=tools,
        organizations=organizations,
        calls_per_second=calls * pods,
        sampled=RUNTIME_TRACE_RATIO if tracing is None else tracing.sampling_percent / 100,
        server_seconds=SERVER_SECONDS,
        proxy_seconds=PROXY_SECONDS,
        cluster_seconds=plan.observability.prometheus.scrape_interval_seconds,
        servers=len(plan.services),
        proxies=plan.observability.mesh,
        all_buckets_pods=sum(most[name] for name, args in plan.services.items() if args.store_all_histogram_buckets),
        stores_request_sizes=plan.observability.stores_request_sizes,
    )


def formulas(load: Load, plan: Plan) -> list[str]:
    """The formulas with their numbers."""
    settings = plan.observability
    samples, days = formula.samples_per_second(load), settings.prometheus.retention_days
    spans = f"{load.calls_per_second:,.0f} calls/s x {formula.SPANS_PER_CALL} x {load.sampled:g} sampled"
    base, each = formula.PROMETHEUS_BASE_BYTES // MIB, formula.BYTES_PER_SERIES // 1024
    return [
        *series_formulas(load),
        *(
            f"series of {name}: {count:,.0f}, each {interval} s: {count / interval:,.0f} samples/s"
            for name, (count, interval) in formula.series(load).items()
        ),
        f"disk of Prometheus: {samples:,.0f} samples/s x {formula.BYTES_PER_SAMPLE} B x {days} d / {RETENTION_SHARE}",
        f"memory of Prometheus: {base} MiB + series x {each} KiB",
        f"spans: {spans} = {formula.spans_per_second(load):,.0f}/s of {formula.BYTES_PER_SPAN} B",
        f"disk of Jaeger: spans that are kept x {settings.jaeger.retention_hours} h",
        *collector_formulas(plan),
    ]


def series_formulas(load: Load) -> list[str]:
    """Formula of the series of one pod and its proxy."""
    bare = formula.SERIES_WITHOUT_BUCKETS
    methods = f"{formula.SERIES_PER_HISTOGRAM} x {load.tools} tools + {bare} x {formula.OTHER_METHODS} methods"
    others = f"{load.tools} x {load.organizations} organizations + {bare} x {formula.HTTP_LABEL_SETS}"
    single = f"{formula.SINGLE_SERIES} + {formula.SCRAPE_SERIES} x {formula.TARGETS}"
    of_pod = f"({methods}) x {formula.RESULTS} + {others} + {single} = {formula.pod_series(load):,.0f}"
    whole = f"series of a pod with store_all_histogram_buckets: {formula.unread_bucket_series():,.0f} more"
    return [f"series of a pod: {of_pod}", *([whole] if load.all_buckets_pods else [])]


def collector_formulas(plan: Plan) -> list[str]:
    """Formulas of the collectors."""
    collectors, tail = plan.observability.collectors, tail_of(plan)
    if collectors is None:
        return []
    base, each = formula.COLLECTOR_BASE_BYTES // MIB, formula.BYTES_PER_HELD_SPAN // 1024
    waits = f"{formula.QUEUED_SECONDS} s" if tail is None else f"({formula.QUEUED_SECONDS} + {tail.wait_seconds:g}) s"
    return [
        f"memory of an agent: {base} MiB + (spans of its node x {formula.QUEUED_SECONDS} s + queue_spans) x {each} KiB",
        f"memory of a gateway: {base} MiB + (its share of spans x {waits} + queue_spans) x {each} KiB",
    ]


class Part(NamedTuple):
    """One component of monitoring: needed and given size of a pod, number of pods, and the fields of the stack."""

    size: Size
    pods: int
    given: Reservation
    resources: str
    storage_gib: int | None = None
    """Size of its volume; None without one."""

    storage: str = ""


def parts(load: Load, plan: Plan) -> list[Part]:
    """The components of the stack that grow with the services; another team sizes existing ones."""
    settings, tail = plan.observability, tail_of(plan)
    prometheus = [prometheus_part(load, settings.prometheus)] if installed(settings.prometheus) else []
    jaeger = [jaeger_part(load, settings.jaeger, tail)] if installed(settings.jaeger) else []
    return [*prometheus, *jaeger, *collector_parts(load, plan, tail)]


def prometheus_part(load: Load, settings: PrometheusSettings) -> Part:
    """Prometheus of the stack."""
    return Part(
        formula.prometheus_size(load, settings.retention_days, RETENTION_SHARE),
        settings.replicas,
        settings.resources,
        "observability.prometheus.resources",
        settings.storage_gib,
        "observability.prometheus.storage_gib",
    )


def jaeger_part(load: Load, jaeger: JaegerSettings, tail: Tail | None) -> Part:
    """Jaeger of the stack."""
    of_jaeger = formula.jaeger_size(formula.after_tail_sampling(load, tail), jaeger.retention_hours)
    own_volume = isinstance(jaeger.storage, BadgerStorage)
    pods = jaeger.storage.replicas if isinstance(jaeger.storage, SearchStorage) else 1
    return Part(
        Size(of_jaeger.cores / pods, of_jaeger.memory_bytes, of_jaeger.disk_bytes),
        pods,
        jaeger.resources,
        "observability.jaeger.resources",
        jaeger.storage_gib if own_volume else None,
        "observability.jaeger.storage_gib",
    )


def tail_of(plan: Plan) -> Tail | None:
    """Tail sampling, or None; it assumes few failed and slow traces."""
    collectors = plan.observability.collectors
    chosen = None if collectors is None else collectors.tail_sampling
    return None if chosen is None else Tail(chosen.decision_wait_seconds, chosen.rest_percent / 100)


def collector_parts(load: Load, plan: Plan, tail: Tail | None) -> list[Part]:
    """Agents and gateways of the collectors, or none."""
    collectors = plan.observability.collectors
    if collectors is None:
        return []
    agent = formula.agent_size(load, collectors.queue_spans)
    gateway = formula.gateway_size(load, collectors.gateway_replicas, collectors.queue_spans, tail)
    where = "observability.collectors"
    return [
        Part(agent, load.nodes, collectors.agent_resources, f"{where}.agent_resources"),
        Part(gateway, collectors.gateway_replicas, collectors.gateway_resources, f"{where}.gateway_resources"),
    ]


def needs(load: Load, plan: Plan) -> list[Need]:
    """Disk, memory and CPU of each component's pod."""
    found: list[Need] = []
    for part in parts(load, plan):
        cpu, memory = cpu_millicores(part.given.cpu), memory_bytes(part.given.memory)
        if part.storage_gib is not None:
            found.append(Need(part.storage, part.storage_gib, part.size.disk_bytes / GIB, "GiB"))
        found += [
            Need(f"{part.resources}.memory", memory / MIB, part.size.memory_bytes / MIB, "MiB"),
            Need(f"{part.resources}.cpu", cpu, part.size.cores * 1000, "m"),
        ]
    return found


def shares_of_services(load: Load, plan: Plan) -> dict[str, float]:
    """Needs of monitoring as a share of the services' requests, at the maximum of replicas."""
    cores = memory = 0.0
    for name, args in plan.services.items():
        requests = requests_of(args, bridge=args.bridge_resources)
        cores += bounds(plan, name)[1] * sum(map(cpu_millicores, requests.cpu)) / 1000
        memory += bounds(plan, name)[1] * sum(map(memory_bytes, requests.memory))
    own_cores, own_memory = (
        sum(getattr(part.size, what) * part.pods for part in parts(load, plan)) for what in ("cores", "memory_bytes")
    )
    return {"CPU": own_cores / cores, "memory": own_memory / memory}


def table(found: list[Need]) -> Table:
    """A row per field: given and needed."""
    shown = Table("field", title="Sizes")
    for name in ("given", "needed"):
        shown.add_column(name, justify="right")
    for need in found:
        shown.add_row(need.field, f"{need.given:g} {need.unit}", f"{need.needed:.1f} {need.unit}")
    return shown
