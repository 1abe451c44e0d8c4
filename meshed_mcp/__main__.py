"""Command line `meshed-mcp`. Issues end a command with one line each and exit code 1."""

import atexit
import gc
import json
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

    recorded = recording.record(project, stack)
    count = render.write(recorded, out)
    typer.echo(f"{count} files in {out}: {len(recorded.objects)} objects, {len(recorded.releases)} Helm releases")


@app.command("check")
def check_command(
    stack: StackOption,
    project: ProjectOption = Path(),
    *,
    required: Annotated[
        bool, typer.Option("--required", help="Print only the objects that must exist, one JSON object per line.")
    ] = False,
) -> None:
    """Validate a stack: configuration, schemas, references, rules; list what must exist. Exit code 1 on any issue."""
    from meshed_mcp.components.core.errors import ConfigurationError  # noqa: PLC0415 - as above
    from meshed_mcp.infra import checks, recording  # noqa: PLC0415 - as above

    report = checks.check(recording.record(project, stack))
    if required:
        for item in report.required:
            typer.echo(json.dumps(item._asdict()))
        return
    for note in report.notes:
        typer.echo(f"note {note.line}")
    if report.required:
        typer.echo("these objects must exist before the deployment (object: what uses it):")
        for line in checks.required_lines(report.required):
            typer.echo(f"  {line}")
    if report.issues:
        raise ConfigurationError(report.issues)
    typer.echo(f"stack {stack}: {report.objects} objects, no issues")


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
