"""The command `meshed-mcp dashboards`: the pages as Grafana gets them, or as pictures without Grafana.

A stack's files in, files out. Not here: what the pages hold (`components/observability/dashboards`).
"""

import contextlib
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from meshed_mcp.components.core.errors import ConfigurationError, Fault
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.dashboards.config_maps import dashboards, manifests
from meshed_mcp.infra.plan import planned
from meshed_mcp.infra.recording.project import read_project

console = Console(highlight=False, soft_wrap=True)


def dashboards_command(
    stack: Annotated[str, typer.Option("--stack", "-s", help="Stack: reads Pulumi.<stack>.yaml.")] = "dev",
    project: Annotated[Path, typer.Option("--project", "-p", help="Folder with Pulumi.yaml.")] = Path(),
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the JSON files.")] = None,
    preview: Annotated[Path | None, typer.Option("--preview", help="Folder for a picture of each page.")] = None,
    prometheus: Annotated[
        str | None, typer.Option("--prometheus", help="URL to draw from; if not given, made-up data.")
    ] = None,
) -> None:
    """Write the pages as JSON, and as pictures: from a Prometheus, or from made-up data in one started for it."""
    if out is None and preview is None:
        raise ConfigurationError([Fault("dashboards", "", "nothing to write; write --preview DIR, or --out DIR")])
    files = read_project(project, stack)
    args = planned(files.config, files.secret_keys).observability
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for item in manifests(args):
            for name, text in item["data"].items():
                (out / name).write_text(text + "\n", encoding="utf-8")
        console.print(f"{len(manifests(args))} pages in {out}")
    if preview is not None:
        console.print(f"{drawn(args, preview, prometheus)} pictures in {preview}, all in index.html")


def drawn(args: ObservabilityStackArgs, folder: Path, url: str | None) -> int:
    """Draw every page; how many pictures."""
    from meshed_mcp.dashboards import engine, preview  # noqa: PLC0415 - needs matplotlib, which is an extra

    if url is not None:
        with contextlib.closing(engine.PagesPrometheus(url)) as known:
            return len(preview.write(dashboards(args), known, time.time(), folder)) - 1
    with tempfile.TemporaryDirectory() as state, engine.own_prometheus(Path(state)) as (prometheus, _):
        preview.fill(prometheus, preview.SMALL, args.namespace, preview.MADE_UP_NOW)
        return len(preview.write(dashboards(args), prometheus, preview.MADE_UP_NOW, folder)) - 1
