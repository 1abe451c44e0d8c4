"""Developer tool that draws the dashboards without Grafana: `python -m bench.dashboards.command FOLDER`.

Not in the wheel: docs/adr/0012.
"""

import contextlib
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from bench.dashboards import engine, preview
from meshed_mcp.cli.dashboards import observability_args
from meshed_mcp.components.observability.args import ObservabilityStackArgs
from meshed_mcp.components.observability.dashboards.config_maps import dashboards

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def preview_command(
    folder: Annotated[Path, typer.Argument(help="Folder for a picture of each dashboard and index.html.")],
    stack: Annotated[str, typer.Option("--stack", "-s", help="Stack: reads Pulumi.<stack>.yaml.")] = "dev",
    project: Annotated[Path, typer.Option("--project", "-p", help="Folder with Pulumi.yaml.")] = Path(),
    prometheus: Annotated[
        str | None, typer.Option("--prometheus", help="URL to draw from; by default a local one with synthetic data.")
    ] = None,
) -> None:
    """Draw every dashboard of a stack."""
    args = observability_args(project, stack)
    typer.echo(f"{draw_dashboards(args, folder, prometheus)} pictures in {folder}, all in index.html")


def draw_dashboards(args: ObservabilityStackArgs, folder: Path, url: str | None) -> int:
    """Draw all dashboards; returns the number of pictures."""
    if url is not None:
        with contextlib.closing(engine.PreviewPrometheus(url)) as prometheus:
            return len(preview.write_pictures(dashboards(args), prometheus, time.time(), folder)) - 1
    with tempfile.TemporaryDirectory() as state, engine.local_prometheus(Path(state)) as (prometheus, _):
        preview.write_series(prometheus, preview.SMALL_FLEET, args.namespace, preview.SAMPLE_TIME)
        return len(preview.write_pictures(dashboards(args), prometheus, preview.SAMPLE_TIME, folder)) - 1


if __name__ == "__main__":
    app()
