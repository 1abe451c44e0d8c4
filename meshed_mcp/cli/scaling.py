"""Command `meshed-mcp scaling explain`: shows the scale-out latency of a service."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from meshed_mcp.cli.options import ProjectOption, StackOption
from meshed_mcp.components.autoscaling import scale_out_latency
from meshed_mcp.components.autoscaling.fast_scaler import live_query
from meshed_mcp.components.autoscaling.fast_scaler.manifests import eligible_targets
from meshed_mcp.components.autoscaling.nodes.args import BufferKind
from meshed_mcp.components.autoscaling.scale_out_latency import GOAL_SECONDS, ScaleOut, Stage, quantile
from meshed_mcp.components.core.errors import ConfigurationError, suggestion
from meshed_mcp.components.core.scraping import SERVER_SECONDS
from meshed_mcp.components.mesh.service.container import READINESS_PERIOD_SECONDS
from meshed_mcp.error_codes.cli import SERVICE_DOES_NOT_SCALE, SERVICE_NOT_IN_STACK
from meshed_mcp.infra.plan import Plan, planned
from meshed_mcp.infra.recording.project import read_project

app = typer.Typer(no_args_is_help=True, help="Look at how a service scales.")
console = Console(highlight=False, soft_wrap=True)

LEAST_FACTOR = 1.1
"""Smallest step, as a multiple of the load, above the tolerance of the HPA."""


@app.callback()
def scaling() -> None:
    """Look at how a service scales."""


@app.command("explain")
def explain_command(
    service: Annotated[str, typer.Argument(help="Name of the service, or of its canary's autoscaler.")],
    stack: StackOption,
    project: ProjectOption = Path(),
    factor: Annotated[float, typer.Option(min=LEAST_FACTOR, max=100, help="Step in load, as a multiple.")] = 4,
) -> None:
    """Show the scale-out latency of a service, stage by stage, and the settings that reduce it."""
    files = read_project(project, stack)
    scale_out = scale_out_of(planned(files.config, files.secret_keys), service, factor)
    console.print(budget_table(scale_out))
    for line in verdict(scale_out):
        console.print(line)


def scale_out_of(plan: Plan, service: str, factor: float) -> ScaleOut:
    """Inputs of the scale-out latency of `service`. Raises ConfigurationError if it does not scale."""
    targets = plan.autoscaling.targets
    if service not in targets:
        message = SERVICE_DOES_NOT_SCALE.message()
        if service not in plan.services:
            message = SERVICE_NOT_IN_STACK.message(suggested=suggestion(service, sorted(targets)))
        raise ConfigurationError.single(f"service {service}", message)
    others = plan.observability.prometheus.scrape_interval_seconds
    scaling, nodes = plan.autoscaling, plan.autoscaling.nodes
    return ScaleOut(
        targets[service],
        scaling.keda.install,
        SERVER_SECONDS,
        others,
        READINESS_PERIOD_SECONDS,
        fast_scaler=scaling.keda.fast_scaler is not None,
        live=scaling.keda.fast_scaler is None
        or service in live_query.live_targets(eligible_targets(scaling), scaling.namespace),
        pre_pull=nodes is not None and nodes.pre_pull,
        buffer=BufferKind.NONE if nodes is None else nodes.buffer.kind,
        factor=factor,
    )


def budget_table(scale_out: ScaleOut) -> Table:
    """All stages with their seconds, and the sums at the decision and at the end."""
    table = Table("stage", title=f"Load x{scale_out.factor:g} until a new replica serves, in seconds")
    for name in ("typical", "worst", "p99"):
        table.add_column(name, justify="right")
    table.add_column("source")
    decision, ready = scale_out_latency.decision_stages(scale_out), scale_out_latency.ready_stages(scale_out)
    for stage in decision:
        table.add_row(*stage_cells(stage))
    table.add_row(*sum_cells("= decided", decision), end_section=True)
    for stage in ready:
        table.add_row(*stage_cells(stage))
    table.add_row(*sum_cells("= ready", [*decision, *ready]), end_section=True)
    for stage in scale_out_latency.exceptions(scale_out):
        table.add_row(*stage_cells(stage))
    return table


def stage_cells(stage: Stage) -> tuple[str, ...]:
    """One stage as a row."""
    return stage.name, f"{stage.typical_seconds:.1f}", f"{stage.worst_seconds:.1f}", "", stage.source


def sum_cells(name: str, stages: list[Stage]) -> tuple[str, ...]:
    """The sum of stages as a row: median, sum of the worst cases, and p99."""
    worst = sum(stage.worst_seconds for stage in stages)
    return name, f"{quantile(stages, 0.5):.1f}", f"{worst:.1f}", f"{quantile(stages, 0.99):.1f}", "stages independent"


def verdict(scale_out: ScaleOut) -> list[str]:
    """The comparison with the goal, and settings to change."""
    seconds = scale_out_latency.ready_p99(scale_out)
    holds = seconds < GOAL_SECONDS
    lines = [f"{'holds' if holds else 'misses'} the goal: ready in {seconds:.1f} s at p99, goal {GOAL_SECONDS} s"]
    found = scale_out_latency.changes(scale_out)
    lines += [f"set {change.text}: p99 becomes {change.ready_p99_seconds:.1f} s" for change in found]
    if not holds and not found:
        lines.append(
            "nothing in the stack makes it faster: keep more replicas, or let a forecast or a schedule add them"
        )
    return lines
