"""Command line `meshed-mcp`. Issues end a command with one line each and exit code 1."""

import atexit
import gc
from pathlib import Path
from typing import Annotated

import typer

from meshed_mcp.cli.lazy_commands import LazyGroup
from meshed_mcp.cli.options import ProjectOption, StackOption

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, cls=LazyGroup)


@app.callback()
def meshed_mcp() -> None:
    """Take MCP services to a meshed, observed, autoscaled platform on Kubernetes.

    A stack is described in Pulumi.<stack>.yaml; `pulumi up` deploys it. These commands need no cluster and no Pulumi.
    """


@app.command("render")
def render_command(
    stack: StackOption,
    out: Annotated[Path, typer.Option("--out", "-o", help="Output folder; created if absent.")],
    project: ProjectOption = Path(),
) -> None:
    """Write every Kubernetes object and Helm release of a stack to files."""
    from meshed_mcp.infra import recording, render  # noqa: PLC0415 - `--help` needs neither
    from meshed_mcp.infra.checks.unseen import unseen_notes  # noqa: PLC0415 - as above

    recorded = recording.record(project, stack)
    count = render.write(recorded, out)
    for note in unseen_notes(recorded):
        typer.echo(f"note {note.line}", err=True)
    typer.echo(f"{count} files in {out}: {len(recorded.objects)} objects, {len(recorded.releases)} Helm releases")


@app.command("check")
def check_command(
    stack: StackOption,
    project: ProjectOption = Path(),
    *,
    live: Annotated[bool, typer.Option("--live", help="Also read the cluster of the kubeconfig.")] = False,
    context: Annotated[str | None, typer.Option(help="Context of the kubeconfig; its current one by default.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Validate a stack: configuration, schemas, references, rules; list what must exist. Exit code 1 on any issue."""
    from meshed_mcp.cli import check  # noqa: PLC0415 - as above

    check.run(stack, project, check.Options(live=live, context=context, json=json))


@app.command("new")
def new_command(
    name: Annotated[str, typer.Argument(help="Name of the service, such as mcp-search.")],
    folder: Annotated[Path | None, typer.Option("--dir", "-d", help="Output folder; ./NAME by default.")] = None,
) -> None:
    """Generate a minimal service, its test, a stack and a Dockerfile; never overwrites a file."""
    from meshed_mcp.cli import new  # noqa: PLC0415 - as above

    folder = folder or Path(name)
    for path in new.write(name, folder):
        typer.echo(str(path))
    typer.echo(f"next: cd {folder}; python -m unittest; meshed-mcp check --stack dev; meshed-mcp local --stack dev")


def main() -> None:
    """Run the command line; prints issues on standard error and exits with code 1."""
    # Skips the garbage collection at exit: a seventh of the CPU time of a check.
    atexit.register(gc.freeze)
    try:
        app()
    except Exception as error:
        from meshed_mcp.components.core.errors import ConfigurationError  # noqa: PLC0415 - needs pydantic, `--help` does not

        if not isinstance(error, ConfigurationError):
            raise
        for issue in error.issues:
            typer.echo(f"error {issue.line}", err=True)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
