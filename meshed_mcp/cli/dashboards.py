"""Command `meshed-mcp dashboards`: writes the dashboards of a stack as Grafana JSON."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from meshed_mcp.cli.options import ProjectOption, StackOption
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.dashboards.config_maps import dashboard_config_maps
from meshed_mcp.infra.plan import planned
from meshed_mcp.infra.recording.project import read_project

console = Console(highlight=False, soft_wrap=True)


def dashboards_command(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the JSON files; created if absent.")],
    stack: StackOption = "dev",
    project: ProjectOption = Path(),
) -> None:
    """Write the dashboards as JSON, to import them into a Grafana by hand."""
    found = dashboard_config_maps(observability_args(project, stack))
    out.mkdir(parents=True, exist_ok=True)
    for item in found:
        for name, text in item["data"].items():
            (out / name).write_text(text + "\n", encoding="utf-8")
    console.print(f"{len(found)} dashboards in {out}")


def observability_args(project: Path, stack: str) -> ObservabilityStackArgs:
    """The arguments of a stack's monitoring. Raises ConfigurationError if the stack file is wrong."""
    files = read_project(project, stack)
    return planned(files.config, files.secret_keys).observability
